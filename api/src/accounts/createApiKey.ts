import { eq } from "drizzle-orm";
import { writeAudit } from "../audit/writeAudit.ts";
import { apiKeys } from "../db/apiKeys.ts";
import { tenants } from "../db/tenants.ts";
import { ForbiddenError, NotFoundError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { VerbArgs } from "../verb.ts";
import { apiKeyPrefix, apiKeySha256, generateApiKey } from "./apiKey.ts";
import { hasScope, SCOPES_BY_DEFAULT } from "./scope.ts";
import type { CreateApiKeyInput } from "./wire.ts";

/** Creates a key and answers it, this once (HA-16). Only the operator makes keys for others, and keys that may do all. */
export async function createApiKey({ ctx, input }: VerbArgs<CreateApiKeyInput>) {
  const isOperator = hasScope(ctx.caller, "admin");
  if (!isOperator && input.tenantId !== ctx.caller.tenantId) throw new NotFoundError("Tenant");
  if (!isOperator && input.scopes.includes("admin"))
    throw new ForbiddenError("Only an admin key can grant the scope admin");
  const key = generateApiKey();
  return ctx.db.orm.transaction(async (tx) => {
    const [tenant] = await tx.select({ id: tenants.id }).from(tenants).where(eq(tenants.id, input.tenantId));
    if (tenant === undefined) throw new NotFoundError("Tenant");
    const created = {
      id: newId(),
      tenantId: tenant.id,
      keyPrefix: apiKeyPrefix(key),
      name: input.name,
      scopes: input.scopes.length > 0 ? [...new Set(input.scopes)] : SCOPES_BY_DEFAULT,
      rateLimitPerMinute: input.rateLimitPerMinute,
      createdAt: ctx.clock(),
    };
    await tx.insert(apiKeys).values({ ...created, keySha256: apiKeySha256(key) });
    await writeAudit(tx, ctx, {
      resourceId: created.id,
      statusCode: 201,
    });
    return { ...created, key };
  });
}
