import { apiKeys } from "../db/apiKeys.ts";
import type { Database } from "../db/client.ts";
import { tenants } from "../db/tenants.ts";
import { newId } from "../newId.ts";
import { apiKeyPrefix, apiKeySha256, generateApiKey } from "./apiKey.ts";

const ADMIN_RATE_LIMIT_PER_MINUTE = 10_000;

/**
 * Creates a tenant for the platform operator and an admin key of it; for the command that makes the first one.
 * @param keep hears of the key before it is good: a crash between the two leaves no key that nobody knows.
 */
export async function createAdminKey(
  { orm }: Database,
  name: string,
  now: Date,
  keep: (key: string) => void = () => {},
): Promise<string> {
  const key = generateApiKey();
  keep(key);
  await orm.transaction(async (tx) => {
    const tenantId = newId();
    await tx.insert(tenants).values({ id: tenantId, name, createdAt: now });
    await tx.insert(apiKeys).values({
      tenantId,
      id: newId(),
      name,
      keySha256: apiKeySha256(key),
      keyPrefix: apiKeyPrefix(key),
      scopes: ["admin"],
      rateLimitPerMinute: ADMIN_RATE_LIMIT_PER_MINUTE,
      createdAt: now,
    });
  });
  return key;
}
