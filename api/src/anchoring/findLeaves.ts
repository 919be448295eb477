import {
  BATCH_IS_AS_INDEXED,
  INDEXED_ANCHOR_COLUMNS,
  type IndexedAnchorRow,
  JOIN_INDEXED_ANCHOR,
} from "../chain/indexedAnchors.ts";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";
import type { BatchState } from "../pipeline/batchState.ts";

/** A submission, its batch, and what the index says of the batch; batch columns are null together while it is pending. */
export type LeafRow = {
  content_hash: Buffer;
  tenant_id: string;
  submission_id: string;
  external_id: string | null;
  metadata: Record<string, unknown> | null;
  created_at: Date;
  leaf_index: number | null;
  batch_id: string | null;
  chain_id: number;
  state: BatchState | null;
  publisher: Buffer | null;
  root: Buffer | null;
  leaf_count: number | null;
  tx_hash: Buffer | null;
  block_number: number | null;
  block_hash: Buffer | null;
  block_timestamp: number | null;
  log_index: number | null;
} & IndexedAnchorRow;

const COLUMNS = `
  s.content_hash, s.tenant_id, s.id AS submission_id, s.external_id, s.metadata, s.created_at, s.leaf_index, s.batch_id, s.chain_id,
  b.state, b.publisher, b.root, b.leaf_count, b.tx_hash, b.block_number, b.block_hash, b.block_timestamp, b.log_index,
  ${INDEXED_ANCHOR_COLUMNS}`;

// The earliest anchored one comes first; before any is anchored, the one that was submitted first.
const FIND_EARLIEST = `
  SELECT DISTINCT ON (s.content_hash) ${COLUMNS}
  FROM app.submissions s LEFT JOIN app.batches b ON b.id = s.batch_id ${JOIN_INDEXED_ANCHOR}
  WHERE s.content_hash = ANY($1::bytea[])
  ORDER BY s.content_hash, (b.state = 'anchored' AND ${BATCH_IS_AS_INDEXED}) DESC NULLS LAST,
           b.block_timestamp, b.chain_id, b.block_number, b.log_index, s.id`;

const FIND_OWN = `
  SELECT ${COLUMNS}
  FROM unnest($1::bytea[], $2::uuid[]) AS wanted (content_hash, tenant_id)
  JOIN app.submissions s USING (content_hash, tenant_id) LEFT JOIN app.batches b ON b.id = s.batch_id ${JOIN_INDEXED_ANCHOR}`;

/** Finds what is known of a content hash across all tenants: the earliest anchored submission of it. */
export function createEarliestLeafFinder({
  pool,
}: Database): (contentHash: Buffer) => Promise<LeafRow | null> {
  return groupCalls(
    async (wanted: Buffer[]) => {
      const { rows } = await pool.query<LeafRow>({
        name: "find-earliest-leaves",
        text: FIND_EARLIEST,
        values: [wanted],
      });
      const found = new Map(rows.map((row) => [row.content_hash.toString("latin1"), row]));
      return wanted.map((contentHash) => found.get(contentHash.toString("latin1")) ?? null);
    },
    { weightMax: 200, concurrencyMax: 2 },
  );
}

/** Finds a tenant's own submission of a content hash. */
export function createOwnLeafFinder({
  pool,
}: Database): (wanted: { contentHash: Buffer; tenantId: string }) => Promise<LeafRow | null> {
  const keyOf = (contentHash: Buffer, tenantId: string) => contentHash.toString("latin1") + tenantId;
  return groupCalls(
    async (wanted) => {
      const values = [wanted.map(({ contentHash }) => contentHash), wanted.map(({ tenantId }) => tenantId)];
      const { rows } = await pool.query<LeafRow>({ name: "find-own-leaves", text: FIND_OWN, values });
      const found = new Map(rows.map((row) => [keyOf(row.content_hash, row.tenant_id), row]));
      return wanted.map(({ contentHash, tenantId }) => found.get(keyOf(contentHash, tenantId)) ?? null);
    },
    { weightMax: 200, concurrencyMax: 2 },
  );
}
