import type { SiteBy } from "../accounts/scope.ts";
import type { Database } from "../db/client.ts";
import type { ConsentSurface } from "./consentSurface.ts";
import { consentIdOf } from "./consentToken.ts";
import type { ConsentAction } from "./newConsent.ts";

/** A record as it stands in the database. */
export type StoredConsent = {
  id: string;
  tenantId: string;
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
  /** Null together where no statement of its origin was signed. */
  originKid: string | null;
  originSignature: Buffer | null;
  /** The domain that the recording key spoke for. */
  originSite: string | null;
  originSiteBy: SiteBy | null;
};

/** Of `app.consents c`, as StoredConsent names them. */
export const CONSENT_COLUMNS = `
  c.id, c.tenant_id AS "tenantId", c.surface, c.action, c.record_digest AS "recordDigest", c.lasting, c.personal, c.personal_digests AS "personalDigests",
  c.created_at AS "createdAt", c.expires_at AS "expiresAt", c.erased_by AS "erasedBy",
  c.origin_kid AS "originKid", c.origin_signature AS "originSignature", c.origin_site AS "originSite", c.origin_site_by AS "originSiteBy"`;

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
