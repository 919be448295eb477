import { desc } from "../db/drizzle.ts";
import { tenants } from "../db/tenants.ts";
import type { VerbArgs } from "../verb.ts";
import type { PageInput } from "./wire.ts";

/** All tenants, the newest first. */
export async function listTenants({ ctx, input: { page, limit } }: VerbArgs<PageInput>) {
  const data = await ctx.db.orm
    .select()
    .from(tenants)
    .orderBy(desc(tenants.id))
    .limit(limit)
    .offset((page - 1) * limit);
  return { data, pagination: { page, limit, total: await ctx.db.orm.$count(tenants) } };
}
