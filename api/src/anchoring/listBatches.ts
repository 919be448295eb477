import { and, count, desc, eq } from "drizzle-orm";
import type { PageInput } from "../accounts/wire.ts";
import { batches } from "../db/batches.ts";
import { batchTenants } from "../db/batchTenants.ts";
import type { VerbArgs } from "../verb.ts";
import { toHex } from "./leafStatus.ts";

type Batch = typeof batches.$inferSelect;

/** A batch as `/v1/batches` shows it (HA-7). */
export function toBatchAnswer(batch: Batch) {
  return {
    id: batch.id,
    merkleRoot: toHex(batch.root),
    leafCount: batch.leafCount,
    status: batch.state === "anchored" ? ("anchored" as const) : ("batched" as const),
    createdAt: batch.sealedAt.toISOString(),
    txHash: batch.txHash && toHex(batch.txHash),
    blockNumber: batch.blockNumber,
  };
}

/** Sealed batches that hold the tenant's hashes, the newest first. */
export async function listBatches({ ctx, input: { page, limit } }: VerbArgs<PageInput>) {
  const own = eq(batchTenants.tenantId, ctx.caller.tenantId);
  const rows = await ctx.db.orm
    .select({ batch: batches })
    .from(batchTenants)
    .innerJoin(batches, eq(batches.id, batchTenants.batchId))
    .where(own)
    .orderBy(desc(batchTenants.batchId))
    .limit(limit)
    .offset((page - 1) * limit);
  const [total] = await ctx.db.orm.select({ value: count() }).from(batchTenants).where(own);
  return {
    data: rows.map(({ batch }) => toBatchAnswer(batch)),
    pagination: { page, limit, total: total!.value },
  };
}

/** The batch, when it holds a hash of the tenant's; else undefined. */
export async function findOwnBatch({ ctx, input }: VerbArgs<{ id: string }>): Promise<Batch | undefined> {
  const [found] = await ctx.db.orm
    .select({ batch: batches })
    .from(batchTenants)
    .innerJoin(batches, eq(batches.id, batchTenants.batchId))
    .where(and(eq(batchTenants.tenantId, ctx.caller.tenantId), eq(batchTenants.batchId, input.id)));
  return found?.batch;
}
