import type { PoolClient } from "pg";
import {
  INDEXED_ANCHOR_COLUMNS,
  type IndexedAnchorRow,
  JOIN_INDEXED_ANCHOR,
} from "../../chain/indexedAnchors.ts";
import type { BatchState } from "../batchState.ts";

/** A batch with everything that must agree with it but its tree and signatures. */
export type BatchRow = {
  id: string;
  chain_id: number;
  contract_address: Buffer;
  publisher: Buffer;
  root: Buffer;
  leaf_count: number;
  state: BatchState;
  slot_id: string | null;
  tx_hash: Buffer | null;
  block_number: number | null;
  block_hash: Buffer | null;
  block_timestamp: number | null;
  log_index: number | null;
  gas_used: string | null;
  anchored_at: Date | null;
  has_attempt: boolean;
  kid: string | null;
  public_key: Buffer | null;
  signatures_bytes: number | null;
} & IndexedAnchorRow;

/** An anchored batch whose columns do not contradict that. */
export type AnchoredRow = BatchRow & {
  [Column in
    | "tx_hash"
    | "block_number"
    | "block_hash"
    | "block_timestamp"
    | "log_index"
    | "gas_used"]: NonNullable<BatchRow[Column]>;
};

const BATCHES_PER_READ = 200;

const READ = `
  SELECT b.id, b.chain_id, c.contract_address, b.publisher, b.root, b.leaf_count, b.state, b.slot_id, b.tx_hash, b.block_number,
    b.block_hash, b.block_timestamp, b.log_index, b.gas_used::text AS gas_used, b.anchored_at,
    EXISTS (SELECT 1 FROM app.anchor_transactions x WHERE x.slot_id = b.slot_id) AS has_attempt,
    r.kid, k.public_key, octet_length(r.signatures) AS signatures_bytes, ${INDEXED_ANCHOR_COLUMNS}
  FROM app.batches b JOIN app.chains c ON c.chain_id = b.chain_id
  LEFT JOIN app.batch_receipts r ON r.batch_id = b.id LEFT JOIN app.signing_keys k ON k.kid = r.kid ${JOIN_INDEXED_ANCHOR}
  WHERE b.id > $1 ORDER BY b.id LIMIT ${BATCHES_PER_READ}`;

/** All batches, the first sealed first. */
export async function* readBatches(tx: PoolClient): AsyncGenerator<BatchRow> {
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const { rows } = await tx.query<BatchRow>(READ, [after]);
    yield* rows;
    if (rows.length < BATCHES_PER_READ) return;
    after = rows.at(-1)!.id;
  }
}
