import { apiKeySecrets } from "../db/apiKeySecrets.ts";
import { apiKeys } from "../db/apiKeys.ts";
import { and, asc, eq, getTableColumns, sql } from "../db/drizzle.ts";
import { NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { hasScope } from "./scope.ts";

const { keySha256: _neverShown, ...shownColumns } = getTableColumns(apiKeys);

/** Keys can be made and revoked without end. */
const REVOKED_SHOWN_MAX = 1_000;

function isShown(tenantId: string) {
  return sql`(revoked_at IS NULL OR id IN (
    SELECT id FROM app.api_keys WHERE tenant_id = ${tenantId} AND revoked_at IS NOT NULL ORDER BY revoked_at DESC LIMIT ${REVOKED_SHOWN_MAX}))`;
}

/** A tenant's keys, the last 1,000 revoked ones included, without anything a key could be recognised by but its prefix; of secrets, that there are any. */
export async function listApiKeys({ ctx, input }: VerbArgs<{ tenantId: string }>) {
  const isOwn = input.tenantId === ctx.caller.tenantId;
  if (!isOwn && !hasScope(ctx.caller, "admin")) throw new NotFoundError("Tenant");
  const { orm } = ctx.db;
  const keys = await orm
    .select(shownColumns)
    .from(apiKeys)
    .where(and(eq(apiKeys.tenantId, input.tenantId), isShown(input.tenantId)))
    .orderBy(asc(apiKeys.id));
  const secrets = await orm
    .select({ apiKeyId: apiKeySecrets.apiKeyId, id: apiKeySecrets.id, createdAt: apiKeySecrets.createdAt })
    .from(apiKeySecrets)
    .where(eq(apiKeySecrets.tenantId, input.tenantId))
    .orderBy(asc(apiKeySecrets.id));
  const secretsOf = Map.groupBy(secrets, ({ apiKeyId }) => apiKeyId);
  return {
    data: keys.map((key) => ({
      ...key,
      hmacSecrets: (secretsOf.get(key.id) ?? []).map(({ id, createdAt }) => ({ id, createdAt })),
    })),
  };
}
