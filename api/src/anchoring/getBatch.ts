import { NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { toHex } from "./leafStatus.ts";
import { findOwnBatch, toBatchAnswer } from "./listBatches.ts";

type Row = { id: string; content_hash: Buffer; external_id: string | null; created_at: Date };

// The batch's tree names its hashes, and the key of submissions begins with the hash: no index by batch is needed.
const OWN_HASHES = `
  SELECT s.id, s.content_hash, s.external_id, s.created_at
  FROM app.batch_trees t
  CROSS JOIN generate_series(0, $3::int - 1) AS leaf
  JOIN app.submissions s ON s.content_hash = substr(t.nodes, leaf * 32 + 1, 32) AND s.tenant_id = $2
  WHERE t.batch_id = $1 AND s.batch_id = $1
  ORDER BY s.leaf_index`;

/** One batch with the tenant's own hashes in it, and no others' (HA-7). */
export async function getBatch({ ctx, input }: VerbArgs<{ id: string }>) {
  const batch = await findOwnBatch({ ctx, input });
  if (batch === undefined) throw new NotFoundError("Batch");
  const { rows } = await ctx.db.pool.query<Row>(OWN_HASHES, [
    batch.id,
    ctx.caller.tenantId,
    batch.leaf_count,
  ]);
  const answer = toBatchAnswer(batch);
  return {
    ...answer,
    blockTimestamp: batch.block_timestamp,
    gasUsed: batch.gas_used,
    hashes: rows.map((row) => ({
      id: row.id,
      hash: toHex(row.content_hash),
      status: answer.status,
      externalId: row.external_id,
      createdAt: row.created_at.toISOString(),
    })),
  };
}
