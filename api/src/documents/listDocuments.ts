import type { PageInput } from "../accounts/wire.ts";
import { documents } from "../db/documents.ts";
import { desc, eq } from "../db/drizzle.ts";
import type { VerbArgs } from "../verb.ts";

/** The tenant's documents, the newest first. */
export async function listDocuments({ ctx, input: { page, limit } }: VerbArgs<PageInput>) {
  const isOwn = eq(documents.tenantId, ctx.caller.tenantId);
  const data = await ctx.db.orm
    .select()
    .from(documents)
    .where(isOwn)
    .orderBy(desc(documents.id))
    .limit(limit)
    .offset((page - 1) * limit);
  return { data, pagination: { page, limit, total: await ctx.db.orm.$count(documents, isOwn) } };
}
