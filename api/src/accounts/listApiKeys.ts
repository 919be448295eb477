import { asc, eq, getTableColumns } from "drizzle-orm";
import { apiKeys } from "../db/apiKeys.ts";
import { NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { hasScope } from "./scope.ts";

const { keySha256: _neverShown, ...shownColumns } = getTableColumns(apiKeys);

/** A tenant's keys, revoked ones included, without anything a key could be recognised by but its prefix. */
export async function listApiKeys({ ctx, input }: VerbArgs<{ tenantId: string }>) {
  const isOwn = input.tenantId === ctx.caller.tenantId;
  if (!isOwn && !hasScope(ctx.caller, "admin")) throw new NotFoundError("Tenant");
  const data = await ctx.db.orm
    .select(shownColumns)
    .from(apiKeys)
    .where(eq(apiKeys.tenantId, input.tenantId))
    .orderBy(asc(apiKeys.id));
  return { data };
}
