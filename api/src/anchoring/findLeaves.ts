import type { Hex } from "#protocol/bytes.ts";
import { LEAF_TILE_LEAVES } from "#protocol/merkleTiles.ts";
import {
  BATCH_IS_AS_INDEXED,
  INDEXED_BLOCK_COLUMNS,
  type IndexedBlockRow,
  JOIN_INDEXED_ANCHOR,
} from "../chain/indexedAnchors.ts";
import { arrayLiteral, byteaArrayLiteral } from "../db/arrayLiteral.ts";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";
import type { BatchState } from "../pipeline/batchState.ts";

/**
 * A submission, its batch, what the index says of the batch, and the leaf's part of the batch's receipts, all as of one moment:
 * an anchor never stands beside the signature of another. Batch columns are null together while it is pending, those of the
 * receipts while there are none.
 */
export type LeafRow = {
  content_hash: Hex;
  submission_id: string;
  leaf_index: number | null;
  batch_id: string | null;
  chain_id: number;
  state: BatchState | null;
  publisher: Hex | null;
  root: Hex | null;
  leaf_count: number | null;
  tx_hash: Hex | null;
  block_number: number | null;
  block_hash: Hex | null;
  block_timestamp: number | null;
  log_index: number | null;
  signature: Buffer | null;
  kid: string | null;
  public_key: Buffer | null;
  /** The stored nodes from the beginning of the leaf's tile on; the last tile's may end in others. */
  leaf_tile: Buffer | null;
} & IndexedBlockRow;

/** A tenant's own, with what it said of it. */
export type OwnLeafRow = LeafRow & {
  tenant_id: string;
  external_id: string | null;
  metadata: Record<string, unknown> | null;
  created_at: Date;
};

const NODE_BYTES = 32;
const LEAF_TILE_BYTES = LEAF_TILE_LEAVES * NODE_BYTES;
const SIGNATURE_BYTES = 64;

const hexOf = (column: string, name: string) => `'0x' || encode(${column}, 'hex') AS ${name}`;

const COLUMNS = `
  ${hexOf("s.content_hash", "content_hash")}, s.id AS submission_id, s.leaf_index, s.batch_id, s.chain_id,
  b.state, ${hexOf("b.publisher", "publisher")}, ${hexOf("b.root", "root")}, b.leaf_count, ${hexOf("b.tx_hash", "tx_hash")},
  b.block_number, ${hexOf("b.block_hash", "block_hash")}, b.block_timestamp, b.log_index, ${INDEXED_BLOCK_COLUMNS}`;

// OFFSET 0 keeps the planner, which cannot know how few hashes are asked for, from reading all batches to join them.
const JOIN_BATCH = `LEFT JOIN LATERAL (SELECT * FROM app.batches WHERE id = s.batch_id OFFSET 0) b ON true ${JOIN_INDEXED_ANCHOR}`;

// substr on an uncompressed out-of-line value reads just the slice.
const JOIN_RECEIPT = `
  LEFT JOIN LATERAL (
    SELECT substr(r.signatures, leaf.leaf_index * ${SIGNATURE_BYTES} + 1, ${SIGNATURE_BYTES}) AS signature, r.kid, k.public_key,
           substr(t.nodes, leaf.leaf_index / ${LEAF_TILE_LEAVES} * ${LEAF_TILE_BYTES} + 1, ${LEAF_TILE_BYTES}) AS leaf_tile
    FROM app.batch_receipts r JOIN app.signing_keys k USING (kid) JOIN app.batch_trees t USING (batch_id)
    WHERE r.batch_id = leaf.batch_id OFFSET 0
  ) receipt ON true`;

// The earliest anchored one comes first; before any is anchored, the one that was submitted first.
const FIND_EARLIEST = `
  SELECT * FROM (
    SELECT DISTINCT ON (s.content_hash) ${COLUMNS}
    FROM app.submissions s ${JOIN_BATCH}
    WHERE s.content_hash = ANY($1::bytea[])
    ORDER BY s.content_hash, (b.state = 'anchored' AND ${BATCH_IS_AS_INDEXED}) DESC NULLS LAST,
             b.block_timestamp, b.chain_id, b.block_number, b.log_index, s.id
  ) leaf ${JOIN_RECEIPT}`;

const FIND_OWN = `
  SELECT * FROM (
    SELECT ${COLUMNS}, s.tenant_id, s.external_id, s.metadata, s.created_at
    FROM unnest($1::bytea[], $2::uuid[]) AS wanted (content_hash, tenant_id)
    JOIN app.submissions s USING (content_hash, tenant_id) ${JOIN_BATCH}
  ) leaf ${JOIN_RECEIPT}`;

/** Finds what is known of a content hash across all tenants: the earliest anchored submission of it. */
export function createEarliestLeafFinder({
  pool,
}: Database): (contentHash: Buffer) => Promise<LeafRow | null> {
  return groupCalls(
    async (wanted: Buffer[]) => {
      const hashes = wanted.map((contentHash) => contentHash.toString("hex"));
      const values = [byteaArrayLiteral(hashes)];
      const { rows } = await pool.query<LeafRow>({
        name: "find-earliest-leaves",
        text: FIND_EARLIEST,
        values,
      });
      const found = new Map(rows.map((row) => [row.content_hash, row]));
      return hashes.map((hash) => found.get(`0x${hash}`) ?? null);
    },
    { weightMax: 200, concurrencyMax: 2 },
  );
}

/** Finds a tenant's own submission of a content hash. */
export function createOwnLeafFinder({
  pool,
}: Database): (wanted: { contentHash: Buffer; tenantId: string }) => Promise<OwnLeafRow | null> {
  return groupCalls(
    async (wanted) => {
      const hashes = wanted.map(({ contentHash }) => contentHash.toString("hex"));
      const values = [byteaArrayLiteral(hashes), arrayLiteral(wanted.map(({ tenantId }) => tenantId))];
      const { rows } = await pool.query<OwnLeafRow>({ name: "find-own-leaves", text: FIND_OWN, values });
      const found = new Map(rows.map((row) => [row.content_hash + row.tenant_id, row]));
      return wanted.map(({ tenantId }, place) => found.get(`0x${hashes[place]}${tenantId}`) ?? null);
    },
    { weightMax: 200, concurrencyMax: 2 },
  );
}
