import type { PoolClient } from "pg";
import { loadKeccak } from "#protocol/merkleTree.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import type { Database } from "../db/client.ts";
import { type AnchoredRow, type BatchRow, readBatches } from "./invariants/batchRow.ts";
import { checkAnchor } from "./invariants/checkAnchor.ts";
import { checkConsents } from "./invariants/checkConsents.ts";
import { checkDevices } from "./invariants/checkDevices.ts";
import { checkLeaves } from "./invariants/checkLeaves.ts";
import { checkReceipts, type SignatureChoice } from "./invariants/checkReceipts.ts";
import { checkSubmissions } from "./invariants/checkSubmissions.ts";
import { checkTotals } from "./invariants/checkTotals.ts";
import type { Report, Violation } from "./invariants/violation.ts";

/** How far a check has come. */
export type Progress = { submissions: number; batches: number; violations: number };

export type CheckInvariantsOptions = {
  /** A reader of the chain with this id, so that the contract is asked too; null, or left out: it is not asked. */
  readerOf?: (chainId: number) => ChainReader | null;
  verifySignatures: SignatureChoice;
  onProgress?: (progress: Readonly<Progress>) => void;
  /** The check ends early when it has found so many. Default 1,000. */
  violationsMax?: number;
};

class EnoughFound extends Error {}

/**
 * Checks all that must hold in the database at any moment, whatever crashed before: see `invariants` for the list. Reads one
 * snapshot and holds one batch's tree in memory at a time, so it may run beside a working pipeline and on large data. A
 * block that is being reorganised away shows as a disagreement until the pipeline has taken its batches back.
 * @throws what the database or the chain's reader throws; then nothing is known.
 */
export async function checkInvariants(
  db: Database,
  {
    readerOf = () => null,
    verifySignatures,
    onProgress = () => {},
    violationsMax = 1_000,
  }: CheckInvariantsOptions,
): Promise<Violation[]> {
  await loadKeccak();
  const violations: Violation[] = [];
  const progress: Progress = { submissions: 0, batches: 0, violations: 0 };
  const report: Report = (violation) => {
    violations.push({ batchId: null, contentHash: null, ...violation });
    progress.violations++;
    if (violations.length >= violationsMax) throw new EnoughFound();
  };
  try {
    await withSnapshot(db, async (tx) => {
      await checkSubmissions(tx, report, (submissions) => {
        progress.submissions += submissions;
        onProgress(progress);
      });
      await checkTotals(tx, report);
      await checkDevices(tx, verifySignatures, report);
      await checkConsents(tx, report);
      for await (const batch of readBatches(tx)) {
        await checkBatch(tx, batch, readerOf(batch.chain_id), verifySignatures, report);
        progress.batches++;
        onProgress(progress);
      }
    });
  } catch (error) {
    if (!(error instanceof EnoughFound)) throw error;
  }
  return violations;
}

async function checkBatch(
  tx: PoolClient,
  batch: BatchRow,
  reader: ChainReader | null,
  verifySignatures: SignatureChoice,
  report: Report,
): Promise<void> {
  const isState = checkState(batch, report);
  const tree = await tx.query<{ nodes: Buffer }>("SELECT nodes FROM app.batch_trees WHERE batch_id = $1", [
    batch.id,
  ]);
  const nodes = tree.rows[0]?.nodes;
  if (nodes === undefined) report({ kind: "treeMissing", batchId: batch.id, found: "no tree" });
  else await checkLeaves(tx, batch, nodes, report);
  if (batch.state !== "anchored" || !isState) return;
  await checkAnchor(batch as AnchoredRow, reader, report);
  if (nodes !== undefined) await checkReceipts(tx, batch as AnchoredRow, nodes, verifySignatures, report);
}

/** @returns whether the columns are those of the state. */
function checkState(batch: BatchRow, report: Report): boolean {
  const { id: batchId, state } = batch;
  const anchor = [
    batch.tx_hash,
    batch.block_number,
    batch.block_hash,
    batch.block_timestamp,
    batch.log_index,
    batch.gas_used,
    batch.anchored_at,
  ];
  const set = anchor.filter((column) => column !== null).length;
  const isState = set === (state === "anchored" ? anchor.length : 0);
  if (!isState) report({ kind: "stateContradicted", batchId, found: `${state} with ${set} anchor columns` });
  if (state === "sealed" && batch.slot_id !== null)
    report({ kind: "stateContradicted", batchId, found: "sealed with a slot" });
  if (state === "broadcast" && batch.slot_id !== null && !batch.has_attempt)
    report({ kind: "attemptMissing", batchId, found: `slot ${batch.slot_id}` });
  if (state !== "anchored" && batch.kid !== null)
    report({ kind: "receiptsUnexpected", batchId, found: state });
  return isState;
}

/** Runs `work` on one connection that sees the database as it was at one moment, and can change nothing. */
async function withSnapshot(db: Database, work: (tx: PoolClient) => Promise<void>): Promise<void> {
  const client = await db.pool.connect();
  let broken: Error | undefined;
  const breakOff = (error: Error) => {
    broken = error;
  };
  client.on("error", breakOff);
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await work(client);
  } finally {
    await client.query("ROLLBACK").catch(breakOff);
    client.off("error", breakOff);
    client.release(broken);
  }
}
