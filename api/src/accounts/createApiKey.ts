import { writeAudit } from "../audit/writeAudit.ts";
import { apiKeySecrets } from "../db/apiKeySecrets.ts";
import { apiKeys } from "../db/apiKeys.ts";
import type { Orm } from "../db/client.ts";
import { and, eq, isNull } from "../db/drizzle.ts";
import { tenants } from "../db/tenants.ts";
import { ConflictError, ForbiddenError, InvalidInputError, NotFoundError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { SecretBox } from "../secrets/secretBox.ts";
import type { VerbArgs } from "../verb.ts";
import { apiKeyPrefix, apiKeySha256, generateApiKey } from "./apiKey.ts";
import { generateKeySecret, sealKeySecret } from "./keySecret.ts";
import type { Plan, PlanRateLimits } from "./plan.ts";
import { hasScope, SCOPES_BY_DEFAULT } from "./scope.ts";
import { type CreateApiKeyInput, RATE_LIMIT_BY_DEFAULT, RATE_LIMIT_MAX } from "./wire.ts";

/** Each key has a rate limit of its own: without a bound on their number there would be none. */
const OWN_KEYS_MAX = 100;

export type CreateApiKeyDeps = {
  /** Null when no secret is configured. */
  secretBox: SecretBox | null;
  planRateLimits: PlanRateLimits;
};

/**
 * Creates a key and answers it, this once (HA-16). Only the operator makes keys for others, keys that may do all, and keys with
 * a higher rate limit than the tenant's plan has.
 */
export async function createApiKey(
  { secretBox, planRateLimits }: CreateApiKeyDeps,
  { ctx, input }: VerbArgs<CreateApiKeyInput>,
) {
  const isOperator = hasScope(ctx.caller, "admin");
  if (!isOperator && input.tenantId !== ctx.caller.tenantId) throw new NotFoundError("Tenant");
  if (!isOperator && input.scopes.includes("admin"))
    throw new ForbiddenError("Only an admin key can grant the scope admin");
  const key = generateApiKey();
  return ctx.db.orm.transaction(async (tx) => {
    const [tenant] = await tx
      .select({ id: tenants.id, plan: tenants.plan })
      .from(tenants)
      .where(eq(tenants.id, input.tenantId))
      // One after the other, or two would count the same keys.
      .for("no key update");
    if (tenant === undefined) throw new NotFoundError("Tenant");
    if (!isOperator && (await countActiveKeys(tx, tenant.id)) >= OWN_KEYS_MAX)
      throw new ConflictError(
        `A tenant can make ${OWN_KEYS_MAX} keys that are not revoked; revoke one first`,
      );
    const rateLimitPerMinute = isOperator
      ? (input.rateLimitPerMinute ?? RATE_LIMIT_BY_DEFAULT)
      : withinPlan(input.rateLimitPerMinute, tenant.plan, planRateLimits);
    const created = {
      id: newId(),
      tenantId: tenant.id,
      keyPrefix: apiKeyPrefix(key),
      name: input.name,
      scopes: input.scopes.length > 0 ? [...new Set(input.scopes)] : SCOPES_BY_DEFAULT,
      rateLimitPerMinute,
      site: input.site,
      siteBy: input.site === null ? null : isOperator ? ("operator" as const) : ("tenant" as const),
      requireSigning: input.requireSigning,
      requireTimestamp: input.requireTimestamp,
      createdAt: ctx.clock(),
    };
    await tx.insert(apiKeys).values({ ...created, keySha256: apiKeySha256(key) });
    const hmacSecret = input.hmac ? await addFirstSecret(tx, secretBox, created) : null;
    await writeAudit(tx, ctx, {
      resourceId: created.id,
      statusCode: 201,
    });
    return { ...created, key, ...(hmacSecret === null ? {} : { hmacSecret }) };
  });
}

/** @throws {InvalidInputError} 400 that names the member, for more than the plan has. */
function withinPlan(wanted: number | undefined, plan: Plan | null, limits: PlanRateLimits): number {
  const max = plan === null ? RATE_LIMIT_MAX : limits[plan];
  if (wanted === undefined) return Math.min(RATE_LIMIT_BY_DEFAULT, max);
  if (wanted <= max) return wanted;
  throw new InvalidInputError(
    `Invalid request body, rateLimitPerMinute: must be 1 to ${max} for a tenant of plan ${plan}`,
    { member: "rateLimitPerMinute" },
  );
}

function countActiveKeys(tx: Pick<Orm, "$count">, tenantId: string): Promise<number> {
  return tx.$count(apiKeys, and(eq(apiKeys.tenantId, tenantId), isNull(apiKeys.revokedAt)));
}

async function addFirstSecret(
  tx: Pick<Orm, "insert">,
  secretBox: SecretBox | null,
  { tenantId, id: apiKeyId, createdAt }: { tenantId: string; id: string; createdAt: Date },
): Promise<string> {
  const hmacSecret = generateKeySecret();
  await tx
    .insert(apiKeySecrets)
    .values(sealKeySecret(secretBox, hmacSecret, { tenantId, apiKeyId, createdAt }));
  return hmacSecret;
}
