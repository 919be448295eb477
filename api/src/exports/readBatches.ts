import type { Hex } from "#protocol/bytes.ts";
import { BATCH_IS_AS_INDEXED, JOIN_INDEXED_ANCHOR } from "../chain/indexedAnchors.ts";
import type { Database } from "../db/client.ts";

/** A batch with its chain's contract; the anchor's columns are null together unless batch and index agree on it. */
export type BatchRow = {
  id: string;
  chain_id: number;
  contract_address: Buffer;
  publisher: Hex;
  root: Hex;
  leaf_count: number;
  tx_hash: Hex | null;
  block_number: number | null;
  block_hash: Hex | null;
  /** Seconds since 1970. */
  block_timestamp: number | null;
  log_index: number | null;
};

const hexOf = (column: string, name: string) => `'0x' || encode(${column}, 'hex') AS ${name}`;

// *Anchored* comes from the comparison here too (protocol §5).
const READ = `
  SELECT b.id, b.chain_id, c.contract_address, ${hexOf("b.publisher", "publisher")}, ${hexOf("b.root", "root")}, b.leaf_count,
    ${hexOf("anchor.tx_hash", "tx_hash")}, anchor.block_number, ${hexOf("anchor.block_hash", "block_hash")}, anchor.block_timestamp, anchor.log_index
  FROM app.batches b JOIN app.chains c ON c.chain_id = b.chain_id ${JOIN_INDEXED_ANCHOR}
  LEFT JOIN LATERAL (SELECT b.tx_hash, b.block_number, b.block_hash, b.block_timestamp, b.log_index
    WHERE b.state = 'anchored' AND ${BATCH_IS_AS_INDEXED}) anchor ON true
  WHERE b.id = ANY($1::uuid[])`;

/** The batches of these submissions, by id; those that wait to be sealed have none. */
export async function readBatches(
  { pool }: Pick<Database, "pool">,
  submissions: readonly { batch_id: string | null }[],
): Promise<Map<string, BatchRow>> {
  const ids = new Set(submissions.flatMap(({ batch_id }) => batch_id ?? []));
  if (ids.size === 0) return new Map();
  const { rows } = await pool.query<BatchRow>(READ, [[...ids]]);
  return new Map(rows.map((row) => [row.id, row]));
}
