import type { PageInput } from "../accounts/wire.ts";
import { consentHolds } from "../db/consentHolds.ts";
import { desc, eq } from "../db/drizzle.ts";
import type { VerbArgs } from "../verb.ts";
import { toHoldAnswer } from "./holdAnswer.ts";

/** The tenant's holds, the newest first, released ones too until their person is erased. */
export async function listHolds({ ctx, input: { page, limit } }: VerbArgs<PageInput>) {
  const isOwn = eq(consentHolds.tenantId, ctx.caller.tenantId);
  const rows = await ctx.db.orm
    .select()
    .from(consentHolds)
    .where(isOwn)
    .orderBy(desc(consentHolds.id))
    .limit(limit)
    .offset((page - 1) * limit);
  return {
    data: rows.map(toHoldAnswer),
    pagination: { page, limit, total: await ctx.db.orm.$count(consentHolds, isOwn) },
  };
}
