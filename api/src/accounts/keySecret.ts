import { randomBytes } from "node:crypto";
import { UnavailableError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { SecretBox } from "../secrets/secretBox.ts";

/** For rotation: the new one is handed out before the old one goes (proofage.md, Authentication). */
export const SECRETS_PER_KEY_MAX = 5;

/** A new HMAC secret: `hs_` and 64 hex digits of 256 random bits. Its text, in UTF-8, is what is signed with. */
export function generateKeySecret(): string {
  return `hs_${randomBytes(32).toString("hex")}`;
}

/**
 * A row for a new secret of a key.
 * @throws {UnavailableError} 503 when there is nothing to seal it with.
 */
export function sealKeySecret(
  secretBox: SecretBox | null,
  secret: string,
  key: { tenantId: string; apiKeyId: string; createdAt: Date },
) {
  if (secretBox === null) throw new UnavailableError("HMAC secrets are not configured on this server");
  const id = newId();
  return {
    ...key,
    id,
    sealed: secretBox.seal(Buffer.from(secret), keySecretContext(`${key.apiKeyId}:${id}`)),
  };
}

/** The secret's text as it was handed out. */
export function openKeySecret(
  secretBox: SecretBox,
  { apiKeyId, id, sealed }: { apiKeyId: string; id: string; sealed: Uint8Array },
): string {
  return secretBox.open(sealed, keySecretContext(`${apiKeyId}:${id}`)).toString();
}

/**
 * Sealed for one key, a secret opens for no other, wherever somebody with the database may copy it.
 * @param name the ids of key and secret, with a colon between.
 */
export function keySecretContext(name: string): string {
  return `api-key-secret:${name}`;
}
