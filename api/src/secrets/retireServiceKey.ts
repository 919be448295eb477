import type { Database } from "../db/client.ts";
import { SERVICE_KEY_STALE_MS, type ServiceKeyPurpose } from "./serviceKeys.ts";

export type ListedServiceKey = { kid: string; purpose: ServiceKeyPurpose; createdAt: Date; signsUntil: Date };

/** All keys that the service ever signed with, the newest of each purpose first. Needs no secret. */
export async function listServiceKeys({ pool }: Database): Promise<ListedServiceKey[]> {
  const { rows } = await pool.query<ListedServiceKey>(
    `SELECT kid, purpose, created_at AS "createdAt", signs_until AS "signsUntil" FROM app.service_keys
     ORDER BY purpose, signs_until DESC, kid`,
  );
  return rows;
}

/**
 * Ends a key as soon as no process remembers it as the current one any more; what it has signed still verifies. Of a key that has ended already
 * nothing changes.
 * @returns when it ends; null for an id that is not known.
 */
export async function retireServiceKey({ pool }: Database, kid: string, now: Date): Promise<Date | null> {
  const { rows } = await pool.query<{ signsUntil: Date }>(
    `UPDATE app.service_keys SET signs_until = least(signs_until, $2) WHERE kid = $1 RETURNING signs_until AS "signsUntil"`,
    [kid, new Date(now.getTime() + SERVICE_KEY_STALE_MS)],
  );
  return rows[0]?.signsUntil ?? null;
}
