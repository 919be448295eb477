import { and, eq, isNull } from "drizzle-orm";
import { writeAudit } from "../audit/writeAudit.ts";
import { apiKeySecrets } from "../db/apiKeySecrets.ts";
import { apiKeys } from "../db/apiKeys.ts";
import type { Orm } from "../db/client.ts";
import { tenants } from "../db/tenants.ts";
import { ConflictError, ForbiddenError, NotFoundError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { SecretBox } from "../secrets/secretBox.ts";
import type { VerbArgs } from "../verb.ts";
import { apiKeyPrefix, apiKeySha256, generateApiKey } from "./apiKey.ts";
import { generateKeySecret, sealKeySecret } from "./keySecret.ts";
import { hasScope, SCOPES_BY_DEFAULT } from "./scope.ts";
import type { CreateApiKeyInput } from "./wire.ts";

/** Each key has a rate limit of its own: without a bound on their number there would be none. */
const OWN_KEYS_MAX = 100;

/** Creates a key and answers it, this once (HA-16). Only the operator makes keys for others, and keys that may do all. */
export async function createApiKey({
  ctx,
  input,
  secretBox,
}: VerbArgs<CreateApiKeyInput> & { secretBox: SecretBox | null }) {
  const isOperator = hasScope(ctx.caller, "admin");
  if (!isOperator && input.tenantId !== ctx.caller.tenantId) throw new NotFoundError("Tenant");
  if (!isOperator && input.scopes.includes("admin"))
    throw new ForbiddenError("Only an admin key can grant the scope admin");
  const key = generateApiKey();
  return ctx.db.orm.transaction(async (tx) => {
    const [tenant] = await tx.select({ id: tenants.id }).from(tenants).where(eq(tenants.id, input.tenantId));
    if (tenant === undefined) throw new NotFoundError("Tenant");
    if (!isOperator && (await countActiveKeys(tx, tenant.id)) >= OWN_KEYS_MAX)
      throw new ConflictError(
        `A tenant can make ${OWN_KEYS_MAX} keys that are not revoked; revoke one first`,
      );
    const created = {
      id: newId(),
      tenantId: tenant.id,
      keyPrefix: apiKeyPrefix(key),
      name: input.name,
      scopes: input.scopes.length > 0 ? [...new Set(input.scopes)] : SCOPES_BY_DEFAULT,
      rateLimitPerMinute: input.rateLimitPerMinute,
      site: input.site,
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
