import { writeAudit } from "../audit/writeAudit.ts";
import type { Orm } from "../db/client.ts";
import { and, count, eq, inArray, min, sum } from "../db/drizzle.ts";
import { exports } from "../db/exports.ts";
import { tenants } from "../db/tenants.ts";
import { TooManyError } from "../errors.ts";
import type { JobQueue } from "../jobs/jobQueue.ts";
import { newId } from "../newId.ts";
import type { VerbArgs } from "../verb.ts";
import { FILE_KEPT_MS } from "./exportState.ts";
import type { CreateExportBody, ExportType } from "./wire.ts";

/** Exports of a tenant that wait or are written at the same time. */
export const UNDER_WAY_MAX = 2;
const RETRY_UNDER_WAY_S = 10;

export type CreateExportInput = CreateExportBody & { type: ExportType };

export type CreateExportDeps = {
  jobs: JobQueue;
  publicUrl: string;
  /** Bytes that all files of a tenant may have together. */
  tenantBytesMax: number;
};

/** Begins an export (HA-12): its row, its job and its audit row commit together. */
export async function createExport(
  deps: CreateExportDeps,
  { ctx, input: { type, format, filters } }: VerbArgs<CreateExportInput>,
) {
  const { tenantId } = ctx.caller;
  const id = newId();
  const jobId = newId();
  await ctx.db.orm.transaction(async (tx) => {
    // One after the other, or two would count the same.
    await tx.select().from(tenants).where(eq(tenants.id, tenantId)).for("no key update");
    await requireRoom(tx, tenantId, deps.tenantBytesMax, ctx.clock());
    await tx.insert(exports).values({
      tenantId,
      id,
      type,
      format,
      statusFilter: filters?.status ?? null,
      createdFrom: filters?.from ?? null,
      createdBefore: filters?.to ?? null,
      publicUrl: deps.publicUrl,
      state: "pending",
      jobId,
      createdAt: ctx.clock(),
    });
    await deps.jobs.send(tx, "exports", { tenantId, id }, { id: jobId, group: { id: tenantId } });
    await writeAudit(tx, ctx, { resourceId: id, statusCode: 202 });
  });
  return { id, status: "pending" as const, type, format };
}

/** @throws {TooManyError} so that one tenant fills neither the disk nor all workers. */
async function requireRoom(
  tx: Pick<Orm, "select">,
  tenantId: string,
  tenantBytesMax: number,
  now: Date,
): Promise<void> {
  const [underWay] = await tx
    .select({ value: count() })
    .from(exports)
    .where(and(eq(exports.tenantId, tenantId), inArray(exports.state, ["pending", "processing"])));
  if (underWay!.value >= UNDER_WAY_MAX)
    throw new TooManyError(
      `${UNDER_WAY_MAX} exports are under way; wait until one has ended`,
      RETRY_UNDER_WAY_S,
    );
  const [kept] = await tx
    .select({ bytes: sum(exports.bytes), oldest: min(exports.completedAt) })
    .from(exports)
    .where(and(eq(exports.tenantId, tenantId), eq(exports.state, "completed")));
  if (Number(kept!.bytes) >= tenantBytesMax) {
    const expiresInMs = (kept!.oldest ?? now).getTime() + FILE_KEPT_MS - now.getTime();
    throw new TooManyError(
      `Your export files take ${kept!.bytes} bytes, of ${tenantBytesMax} that you may keep; each is deleted 24 hours after it was completed`,
      Math.max(1, Math.ceil(expiresInMs / 1_000)),
    );
  }
}
