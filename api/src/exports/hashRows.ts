import type { Hex } from "#protocol/bytes.ts";
import type { Database } from "../db/client.ts";
import type { Cell } from "./exportText.ts";
import { type BatchRow, readBatches } from "./readBatches.ts";
import { readSubmissions, type Selection } from "./readSubmissions.ts";
import type { ExportStatus } from "./wire.ts";
import type { ExportRows } from "./writeText.ts";

const ROWS_PER_PAGE = 5_000;

/** HA-12's columns of an export of hashes, in its order. */
const COLUMNS = [
  "id",
  "hash",
  "externalId",
  "status",
  "batchId",
  "merkleRoot",
  "txHash",
  "blockNumber",
  "createdAt",
  "anchoredAt",
] as const;

type HashesWanted = Selection & { statusFilter: ExportStatus | null };

/** What all rows of a batch have in common. */
type BatchCells = {
  status: ExportStatus;
  batchId: string | null;
  merkleRoot: Hex | null;
  txHash: Hex | null;
  blockNumber: number | null;
  /** The block's own time, ISO 8601. */
  anchoredAt: string | null;
};

const PENDING: BatchCells = {
  status: "pending",
  batchId: null,
  merkleRoot: null,
  txHash: null,
  blockNumber: null,
  anchoredAt: null,
};

/** A tenant's hashes as GET /v1/hashes/:hash tells of each. */
export function hashRows(db: Database, wanted: HashesWanted): ExportRows {
  return { columns: COLUMNS, pages: pagesOf(db, wanted) };
}

async function* pagesOf(db: Database, wanted: HashesWanted): AsyncGenerator<Cell[][]> {
  const { statusFilter } = wanted;
  for await (const submissions of readSubmissions(db, wanted, ROWS_PER_PAGE)) {
    const batches = await readBatches(db, submissions);
    const cells = new Map([...batches].map(([id, batch]) => [id, cellsOf(batch)]));
    const page: Cell[][] = [];
    for (const { id, hash, external_id, created_at, batch_id } of submissions) {
      const batch = batch_id === null ? PENDING : cells.get(batch_id)!;
      if (statusFilter !== null && batch.status !== statusFilter) continue;
      const { batchId, merkleRoot, txHash, blockNumber, anchoredAt } = batch;
      page.push([
        id,
        hash,
        external_id,
        batch.status,
        batchId,
        merkleRoot,
        txHash,
        blockNumber,
        created_at,
        anchoredAt,
      ]);
    }
    yield page;
  }
}

function cellsOf({ id, root, tx_hash, block_number, block_timestamp }: BatchRow): BatchCells {
  return {
    status: tx_hash === null ? "batched" : "anchored",
    batchId: id,
    merkleRoot: root,
    txHash: tx_hash,
    blockNumber: block_number,
    anchoredAt: block_timestamp === null ? null : new Date(block_timestamp * 1_000).toISOString(),
  };
}
