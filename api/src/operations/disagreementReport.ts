import type { Logger } from "pino";
import type { CrossCheckFailure } from "#protocol/crossCheck.ts";
import type { LeafRow } from "../anchoring/findLeaves.ts";
import type { Metrics } from "./metrics.ts";

/** One line per batch and comparison in this time: anybody may ask, and each answer finds the same disagreement. Milliseconds. */
const LOG_AGAIN_AFTER_MS = 60_000;
const REPORTS_MAX = 10_000;

/** Counts every disagreement of batch, index and contract, and logs each batch's failed comparison once a minute (protocol §5). */
export function createDisagreementReport(metrics: Metrics, logger: Logger, clock: () => Date) {
  const loggedAtMs = new Map<string, number>();
  return (leaf: LeafRow, failed: CrossCheckFailure): void => {
    metrics.disagreements.inc({ chain_id: leaf.chain_id, failed });
    const batchId = leaf.batch_id;
    const what = `${batchId} ${failed}`;
    const nowMs = clock().getTime();
    if (nowMs - (loggedAtMs.get(what) ?? Number.NEGATIVE_INFINITY) < LOG_AGAIN_AFTER_MS) return;
    if (loggedAtMs.size >= REPORTS_MAX) loggedAtMs.clear();
    loggedAtMs.set(what, nowMs);
    logger.error({ batchId, chainId: leaf.chain_id, failed }, "batch, index and contract disagree");
  };
}
