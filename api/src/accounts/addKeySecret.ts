import { writeAudit } from "../audit/writeAudit.ts";
import { apiKeySecrets } from "../db/apiKeySecrets.ts";
import { and, eq } from "../db/drizzle.ts";
import { ConflictError } from "../errors.ts";
import type { SecretBox } from "../secrets/secretBox.ts";
import type { VerbArgs } from "../verb.ts";
import { generateKeySecret, SECRETS_PER_KEY_MAX, sealKeySecret } from "./keySecret.ts";
import { lockManagedKey } from "./lockManagedKey.ts";

/** Adds a secret to a key and answers it, this once (protocol §9). With the key's row locked, five is the end for all at once. */
export async function addKeySecret(
  { secretBox }: { secretBox: SecretBox | null },
  { ctx, input }: VerbArgs<{ apiKeyId: string }>,
) {
  const hmacSecret = generateKeySecret();
  return ctx.db.orm.transaction(async (tx) => {
    const key = await lockManagedKey(tx, ctx.caller, input.apiKeyId);
    if (key.revokedAt !== null) throw new ConflictError("The API key is revoked");
    const ofKey = and(eq(apiKeySecrets.tenantId, key.tenantId), eq(apiKeySecrets.apiKeyId, key.id));
    if ((await tx.$count(apiKeySecrets, ofKey)) >= SECRETS_PER_KEY_MAX)
      throw new ConflictError(`A key has at most ${SECRETS_PER_KEY_MAX} secrets; delete one first`);
    const row = sealKeySecret(secretBox, hmacSecret, {
      tenantId: key.tenantId,
      apiKeyId: key.id,
      createdAt: ctx.clock(),
    });
    await tx.insert(apiKeySecrets).values(row);
    await writeAudit(tx, ctx, { resourceId: key.id, statusCode: 201 });
    return { id: row.id, hmacSecret };
  });
}
