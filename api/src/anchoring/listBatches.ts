import type { PageInput } from "../accounts/wire.ts";
import { BATCH_IS_AS_INDEXED, JOIN_INDEXED_ANCHOR } from "../chain/indexedAnchors.ts";
import { batchTenants } from "../db/batchTenants.ts";
import { count, eq } from "../db/drizzle.ts";
import type { VerbArgs } from "../verb.ts";
import { toHex } from "./leafStatus.ts";

/** A batch of the tenant's; the anchor's columns are null unless batch and index agree on it. */
type BatchRow = {
  id: string;
  root: Buffer;
  leaf_count: number;
  sealed_at: Date;
  is_anchored: boolean;
  tx_hash: Buffer | null;
  block_number: number | null;
  block_timestamp: number | null;
  gas_used: string | null;
};

// *Anchored* comes from the comparison here too (protocol §5), so that a batch never says more than its hashes.
const OWN_BATCHES = `
  SELECT b.id, b.root, b.leaf_count, b.sealed_at, agreed.is_anchored,
    CASE WHEN agreed.is_anchored THEN b.tx_hash END AS tx_hash, CASE WHEN agreed.is_anchored THEN b.block_number END AS block_number,
    CASE WHEN agreed.is_anchored THEN b.block_timestamp END AS block_timestamp, CASE WHEN agreed.is_anchored THEN b.gas_used END AS gas_used
  FROM app.batch_tenants own JOIN app.batches b ON b.id = own.batch_id ${JOIN_INDEXED_ANCHOR}
  CROSS JOIN LATERAL (SELECT (b.state = 'anchored' AND ${BATCH_IS_AS_INDEXED}) IS TRUE AS is_anchored) agreed
  WHERE own.tenant_id = $1`;

/** A batch as `/v1/batches` shows it (HA-7). */
export function toBatchAnswer(row: BatchRow) {
  return {
    id: row.id,
    merkleRoot: toHex(row.root),
    leafCount: row.leaf_count,
    status: row.is_anchored ? ("anchored" as const) : ("batched" as const),
    createdAt: row.sealed_at.toISOString(),
    txHash: row.tx_hash && toHex(row.tx_hash),
    blockNumber: row.block_number,
  };
}

/** Sealed batches that hold the tenant's hashes, the newest first. */
export async function listBatches({ ctx, input: { page, limit } }: VerbArgs<PageInput>) {
  const { tenantId } = ctx.caller;
  const { rows } = await ctx.db.pool.query<BatchRow>(
    `${OWN_BATCHES} ORDER BY own.batch_id DESC LIMIT $2 OFFSET $3`,
    [tenantId, limit, (page - 1) * limit],
  );
  const [total] = await ctx.db.orm
    .select({ value: count() })
    .from(batchTenants)
    .where(eq(batchTenants.tenantId, tenantId));
  return { data: rows.map(toBatchAnswer), pagination: { page, limit, total: total!.value } };
}

/** The batch, when it holds a hash of the tenant's; else undefined. */
export async function findOwnBatch({ ctx, input }: VerbArgs<{ id: string }>): Promise<BatchRow | undefined> {
  const { rows } = await ctx.db.pool.query<BatchRow>(`${OWN_BATCHES} AND own.batch_id = $2`, [
    ctx.caller.tenantId,
    input.id,
  ]);
  return rows[0];
}
