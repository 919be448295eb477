import { and, eq } from "../db/drizzle.ts";
import { type ExportRow, exports } from "../db/exports.ts";
import { GoneError, NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { FILE_KEPT_MS } from "./exportState.ts";

/** The file of an export that is completed. */
export type CompletedExport = ExportRow & { attempt: string; bytes: number; completedAt: Date };

/**
 * An export as it stands.
 * @throws {NotFoundError} also for another tenant's; {GoneError} 24 hours after it was completed, whether its file is deleted or not yet.
 */
export async function getExport({ ctx, input }: VerbArgs<{ id: string }>): Promise<ExportRow> {
  const [row] = await ctx.db.orm
    .select()
    .from(exports)
    .where(and(eq(exports.tenantId, ctx.caller.tenantId), eq(exports.id, input.id)));
  if (row === undefined) throw new NotFoundError("Export");
  const isOver =
    row.completedAt !== null && row.completedAt.getTime() + FILE_KEPT_MS <= ctx.clock().getTime();
  if (isOver || row.state === "expired") throw new GoneError("Export file has expired");
  return row;
}
