import type { Hex } from "#protocol/bytes.ts";
import type { Database } from "../db/client.ts";

/**
 * The only reader of indexed state: Ponder's views in the schema `chain`, whose hex texts become bytes here.
 * SQL that stands after FROM or JOIN; joins batches `b` to the event that recorded them, as `a`.
 */
export const JOIN_INDEXED_ANCHOR = `
  LEFT JOIN chain.anchors a
    ON a.chain_id = b.chain_id
   AND a.publisher = '0x' || encode(b.publisher, 'hex')
   AND a.root = '0x' || encode(b.root, 'hex')`;

/** Columns of the joined event: bytes and plain numbers. */
export const INDEXED_ANCHOR_COLUMNS = `
  a.leaf_count AS indexed_leaf_count, a.block_number AS indexed_block_number, decode(substr(a.block_hash, 3), 'hex') AS indexed_block_hash,
  a.block_timestamp AS indexed_block_timestamp, decode(substr(a.transaction_hash, 3), 'hex') AS indexed_tx_hash,
  a.log_index AS indexed_log_index, a.gas_used::text AS indexed_gas_used`;

/** Where the joined event stands, as an answer compares it: hex as it is indexed, and plain numbers. */
export const INDEXED_BLOCK_COLUMNS = `
  a.leaf_count AS indexed_leaf_count, a.block_number AS indexed_block_number, a.block_hash AS indexed_block_hash,
  a.block_timestamp AS indexed_block_timestamp`;

/** Whether the anchored batch and the indexed event agree, in SQL: true, false, or NULL when nothing is indexed. */
export const BATCH_IS_AS_INDEXED = `
  (b.leaf_count = a.leaf_count AND a.block_hash = '0x' || encode(b.block_hash, 'hex'))`;

/** A row's indexed columns; all null together when no event is indexed for the batch. */
export type IndexedAnchorRow = {
  indexed_leaf_count: number | null;
  indexed_block_number: number | null;
  indexed_block_hash: Buffer | null;
  indexed_block_timestamp: number | null;
  indexed_tx_hash: Buffer | null;
  indexed_log_index: number | null;
  indexed_gas_used: string | null;
};

/** The same of INDEXED_BLOCK_COLUMNS. */
export type IndexedBlockRow = {
  indexed_leaf_count: number | null;
  indexed_block_number: number | null;
  indexed_block_hash: Hex | null;
  indexed_block_timestamp: number | null;
};

// A checkpoint is 75 digits: timestamp 10, chain id 16, block number 16, and the place in the block (ponder/utils/checkpoint).
// The views stand in the order in which Ponder locks them; the other way round the two could deadlock.
const INDEXED_UP_TO = `
  SELECT c.chain_id, substr(c.latest_checkpoint, 27, 16)::bigint AS block_number
  FROM chain._ponder_meta m, chain._ponder_checkpoint c
  WHERE m.value ->> 'is_ready' = '1'`;

/** Block number up to which each chain is indexed; no chain at all while the index is being built or resumed. */
export async function readIndexedUpTo({ pool }: Database): Promise<Map<number, number>> {
  const { rows } = await pool.query<{ chain_id: number; block_number: number }>({
    name: "indexed-up-to",
    text: INDEXED_UP_TO,
  });
  return new Map(rows.map((row) => [row.chain_id, row.block_number]));
}
