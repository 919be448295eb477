import { toReceipt } from "../anchoring/receipts.ts";
import type { Database } from "../db/client.ts";
import type { Cell } from "./exportText.ts";
import { type BatchRow, readBatches } from "./readBatches.ts";
import { type ProofsWanted, readManyProofs } from "./readManyProofs.ts";
import { readSubmissions, type Selection, type SubmissionRow } from "./readSubmissions.ts";
import type { ExportStatus } from "./wire.ts";
import type { ExportRows } from "./writeText.ts";

/** A receipt is 2 KB of text in a large batch. */
const ROWS_PER_PAGE = 1_000;

/** HA-12's columns of an export of receipts, in its order. */
const COLUMNS = [
  "hash",
  "merkleRoot",
  "chainId",
  "contractAddress",
  "txHash",
  "blockNumber",
  "blockTimestamp",
  "leafIndex",
  "leafCount",
  "signature",
  "receipt",
] as const;

/** `publicUrl`: origin that the receipts name as @context. */
type ReceiptsWanted = Selection & { statusFilter: ExportStatus | null; publicUrl: string };
type AnchoredBatch = { [Column in keyof BatchRow]: NonNullable<BatchRow[Column]> };
type AnchoredSubmission = SubmissionRow & { batch_id: string; leaf_index: number };

/** The receipts of a tenant's hashes, those left out that have none (yet). */
export function receiptRows(db: Database, wanted: ReceiptsWanted): ExportRows {
  // Nothing but an anchored hash has a receipt.
  const hasNone = wanted.statusFilter !== null && wanted.statusFilter !== "anchored";
  return { columns: COLUMNS, pages: hasNone ? noPages() : pagesOf(db, wanted) };
}

async function* noPages(): AsyncGenerator<Cell[][]> {}

async function* pagesOf(db: Database, wanted: ReceiptsWanted): AsyncGenerator<Cell[][]> {
  for await (const submissions of readSubmissions(db, wanted, ROWS_PER_PAGE)) {
    const batches = new Map(
      [...(await readBatches(db, submissions))].filter(
        (entry): entry is [string, AnchoredBatch] => entry[1].tx_hash !== null,
      ),
    );
    const anchored = submissions.filter(
      (row): row is AnchoredSubmission => row.batch_id !== null && batches.has(row.batch_id),
    );
    const proofs = await readManyProofs(db, proofsOf(anchored, batches));
    yield anchored.flatMap((row) => {
      // A batch that was taken back since its row was read has no proofs: this anchor stands no more.
      const signed = proofs.get(row.batch_id)?.get(row.leaf_index);
      if (signed === undefined) return [];
      const batch = batches.get(row.batch_id)!;
      const leaf = { ...batch, ...signed, content_hash: row.hash, leaf_index: row.leaf_index };
      const chain = { chainId: batch.chain_id, contractAddress: batch.contract_address };
      return [cellsOf(toReceipt(leaf, chain, signed.proof, wanted.publicUrl))];
    });
  }
}

function proofsOf(submissions: AnchoredSubmission[], batches: Map<string, AnchoredBatch>): ProofsWanted[] {
  const leaves = Map.groupBy(submissions, ({ batch_id }) => batch_id);
  return [...leaves].map(([batchId, rows]) => {
    const { block_hash: blockHash, leaf_count: leafCount } = batches.get(batchId)!;
    return { batchId, blockHash, leafCount, leafIndexes: rows.map((row) => row.leaf_index) };
  });
}

function cellsOf(receipt: ReturnType<typeof toReceipt>): Cell[] {
  const { chainId, contractAddress, txHash, blockNumber, blockTimestamp, leafIndex, leafCount } =
    receipt.anchor;
  const anchor = [chainId, contractAddress, txHash, blockNumber, blockTimestamp, leafIndex, leafCount];
  return [receipt.hash, receipt.merkleRoot, ...anchor, receipt.signature, receipt];
}
