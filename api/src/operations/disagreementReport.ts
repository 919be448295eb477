import type { Logger } from "pino";
import type { CrossCheckFailure } from "#protocol/crossCheck.ts";
import type { LeafRow } from "../anchoring/findLeaves.ts";
import type { Metrics } from "./metrics.ts";

/** One line per batch in this time: anybody may ask, and each answer finds the same disagreement. Milliseconds. */
const LOG_AGAIN_AFTER_MS = 60_000;
const BATCHES_MAX = 10_000;

/** Counts every disagreement of batch, index and contract, and logs each batch's once a minute (protocol §5). */
export function createDisagreementReport(metrics: Metrics, logger: Logger, clock: () => Date) {
  const loggedAtMs = new Map<string, number>();
  return (leaf: LeafRow, failed: CrossCheckFailure): void => {
    metrics.disagreements.inc({ chain_id: leaf.chain_id, failed });
    const batchId = leaf.batch_id ?? "";
    const nowMs = clock().getTime();
    if (nowMs - (loggedAtMs.get(batchId) ?? Number.NEGATIVE_INFINITY) < LOG_AGAIN_AFTER_MS) return;
    if (loggedAtMs.size >= BATCHES_MAX) loggedAtMs.clear();
    loggedAtMs.set(batchId, nowMs);
    logger.error({ batchId, chainId: leaf.chain_id, failed }, "batch, index and contract disagree");
  };
}
