import type { Database } from "../db/client.ts";
import { consentIdOf } from "./consentToken.ts";
import type { ConsentAction, ConsentSurface } from "./newConsent.ts";

/** A record as it stands in the database. */
export type StoredConsent = {
  id: string;
  surface: ConsentSurface;
  action: ConsentAction;
  recordDigest: Buffer;
  lasting: string;
  personal: string | null;
  personalDigests: string | null;
  createdAt: Date;
  expiresAt: Date | null;
  /** Id of the erasure's own record. */
  erasedBy: string | null;
};

/** Of `app.consents c`, as StoredConsent names them. */
export const CONSENT_COLUMNS = `
  c.id, c.surface, c.action, c.record_digest AS "recordDigest", c.lasting, c.personal, c.personal_digests AS "personalDigests",
  c.created_at AS "createdAt", c.expires_at AS "expiresAt", c.erased_by AS "erasedBy"`;

/** The tenant's consent with this token; null also for another tenant's. */
export async function findConsentByToken(
  { pool }: Database,
  tenantId: string,
  token: string,
): Promise<StoredConsent | null> {
  const id = consentIdOf(token);
  if (id === null) return null;
  const { rows } = await pool.query<StoredConsent>({
    name: "find-consent",
    text: `SELECT ${CONSENT_COLUMNS} FROM app.consents c WHERE c.tenant_id = $1 AND c.id = $2`,
    values: [tenantId, id],
  });
  return rows[0] ?? null;
}
