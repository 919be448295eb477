import { apiKeys } from "../db/apiKeys.ts";
import type { Database } from "../db/client.ts";
import { tenants } from "../db/tenants.ts";
import { newId } from "../newId.ts";
import { apiKeyPrefix, apiKeySha256, generateApiKey } from "./apiKey.ts";
import { SCOPES_BY_DEFAULT } from "./scope.ts";
import { type ProvisionInput, RATE_LIMIT_BY_DEFAULT } from "./wire.ts";

/** A tenant of plan free and a key of it in one step, for a program that sets itself up (HA-1). */
export async function provision(db: Database, input: ProvisionInput, freeLimit: number, now: Date) {
  const key = generateApiKey();
  const tenantId = newId();
  await db.orm.transaction(async (tx) => {
    await tx.insert(tenants).values({
      id: tenantId,
      name: input.name,
      contactEmail: input.email ?? null,
      plan: "free",
      createdAt: now,
    });
    await tx.insert(apiKeys).values({
      tenantId,
      id: newId(),
      name: "provisioned",
      keySha256: apiKeySha256(key),
      keyPrefix: apiKeyPrefix(key),
      scopes: SCOPES_BY_DEFAULT,
      rateLimitPerMinute: RATE_LIMIT_BY_DEFAULT,
      createdAt: now,
    });
  });
  return { tenantId, apiKey: key, plan: "free", quota: { limit: freeLimit, remaining: freeLimit } };
}
