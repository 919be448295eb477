import type { Database } from "../db/client.ts";
import { UnavailableError } from "../errors.ts";
import type { SecretBox } from "../secrets/secretBox.ts";
import { openKeySecret } from "./keySecret.ts";
import type { Caller } from "./scope.ts";

/** A key's secret as it was handed out; its UTF-8 bytes key the HMAC. */
export type KeySecret = { id: string; secret: string };
export type KeySecretsOf = (caller: Caller) => Promise<readonly KeySecret[]>;

type Row = { access_version: string; id: string | null; sealed: Buffer | null };

// Version and secrets come from one snapshot; the version also when there is no secret.
const READ = `
  SELECT v.version AS access_version, s.id, s.sealed
  FROM app.access_version v
  LEFT JOIN app.api_key_secrets s ON s.tenant_id = $1 AND s.api_key_id = $2
  ORDER BY s.id`;

const REMEMBERED_KEYS_MAX = 10_000;

async function read({ pool }: Database, secretBox: SecretBox, tenantId: string, apiKeyId: string) {
  const { rows } = await pool.query<Row>({
    name: "read-key-secrets",
    text: READ,
    values: [tenantId, apiKeyId],
  });
  const secrets = rows.flatMap(({ id, sealed }) =>
    id === null ? [] : [{ id, secret: openKeySecret(secretBox, { apiKeyId, id, sealed: sealed! }) }],
  );
  return { version: rows[0]!.access_version, secrets };
}

/** All active secrets of a key as the database has them now, the oldest first: the first signs what we send (PA-9). */
export async function readKeySecrets(
  db: Database,
  secretBox: SecretBox,
  { tenantId, apiKeyId }: { tenantId: string; apiKeyId: string },
): Promise<readonly KeySecret[]> {
  return (await read(db, secretBox, tenantId, apiKeyId)).secrets;
}

/**
 * All active secrets of a caller's key, the oldest first; none for an account. Remembered under the access version that the
 * caller was let in with: what was deleted before the request came is not among them, in any process.
 */
export function createKeySecretDirectory(db: Database, secretBox: SecretBox | null): KeySecretsOf {
  const remembered = new Map<string, { version: string; secrets: KeySecret[] }>();
  return async ({ tenantId, apiKeyId, accessVersion }) => {
    if (apiKeyId === null) return [];
    const known = remembered.get(apiKeyId);
    if (known?.version === accessVersion) return known.secrets;
    if (secretBox === null) throw new UnavailableError("HMAC secrets are not configured on this server");
    const now = await read(db, secretBox, tenantId, apiKeyId);
    if (remembered.size >= REMEMBERED_KEYS_MAX) remembered.clear();
    remembered.set(apiKeyId, now);
    return now.secrets;
  };
}
