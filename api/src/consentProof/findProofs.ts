import { consentIdOf } from "../consents/consentToken.ts";
import { CONSENT_COLUMNS, type StoredConsent } from "../consents/findConsent.ts";
import { threadOf } from "../consents/threads.ts";
import type { Database } from "../db/client.ts";

/** A visitor on a domain, which is one thread of this surface (protocol §7). */
export type VisitorOfSite = { tenantId: string; site: string; visitorId: string };

// The newest that is still valid, else the newest (OS-1).
const NEWEST = `
  SELECT ${CONSENT_COLUMNS} FROM app.consents c
  WHERE c.tenant_id = $1 AND c.person_digest = $2 AND c.thread_digest = $3
  ORDER BY (c.expires_at IS NULL OR c.expires_at > $4) DESC, c.thread_position DESC LIMIT 1`;

const LAST = `
  SELECT ${CONSENT_COLUMNS} FROM app.consents c
  WHERE c.tenant_id = $1 AND c.person_digest = $2 AND c.thread_digest = $3 ORDER BY c.thread_position DESC LIMIT 1`;

const BY_RECEIPT_ID = `
  SELECT ${CONSENT_COLUMNS}, c.tenant_id AS "tenantId" FROM app.consents c WHERE c.id = $1 AND c.surface = 'proof'`;

const PAGE = `
  SELECT ${CONSENT_COLUMNS} FROM app.consents c
  WHERE c.tenant_id = $1 AND c.site = $2 AND c.surface = 'proof' AND ($3::uuid IS NULL OR c.id < $3)
  ORDER BY c.id DESC LIMIT $4 OFFSET $5`;

const COUNT =
  "SELECT count(*)::int AS total FROM app.consents c WHERE c.tenant_id = $1 AND c.site = $2 AND c.surface = 'proof'";

/** The visitor's newest consent that is still valid; when none is, the newest. Null for a visitor without any. */
export async function findNewestProof(
  { pool }: Database,
  of: VisitorOfSite,
  now: Date,
): Promise<StoredConsent | null> {
  const { rows } = await pool.query<StoredConsent>(NEWEST, [...threadValues(of), now]);
  return rows[0] ?? null;
}

/** What the visitor said last, whether it is still valid or not. */
export async function findLastProof({ pool }: Database, of: VisitorOfSite): Promise<StoredConsent | null> {
  const { rows } = await pool.query<StoredConsent>(LAST, threadValues(of));
  return rows[0] ?? null;
}

/** By its receipt id alone, which whoever holds it may ask for (OS-3). */
export async function findProofByReceiptId(
  { pool }: Database,
  receiptId: string,
): Promise<(StoredConsent & { tenantId: string }) | null> {
  const id = consentIdOf(receiptId);
  if (id === null) return null;
  const { rows } = await pool.query<StoredConsent & { tenantId: string }>(BY_RECEIPT_ID, [id]);
  return rows[0] ?? null;
}

export type SiteOfTenant = { tenantId: string; site: string };

/** A domain's consents, the newest first. */
export async function listProofs(
  { pool }: Database,
  { tenantId, site }: SiteOfTenant,
  { page, limit }: { page: number; limit: number },
): Promise<{ consents: StoredConsent[]; total: number }> {
  const [found, counted] = await Promise.all([
    pool.query<StoredConsent>(PAGE, [tenantId, site, null, limit, (page - 1) * limit]),
    pool.query<{ total: number }>(COUNT, [tenantId, site]),
  ]);
  return { consents: found.rows, total: counted.rows[0]!.total };
}

/** The same in pages that follow one another whatever is recorded meanwhile; `max` in all. */
export async function* readProofs(
  { pool }: Database,
  { tenantId, site }: SiteOfTenant,
  { max, pageSize }: { max: number; pageSize: number },
): AsyncGenerator<StoredConsent[]> {
  let before: string | null = null;
  for (let left = max; left > 0; left -= pageSize) {
    const limit = Math.min(left, pageSize);
    const { rows }: { rows: StoredConsent[] } = await pool.query<StoredConsent>(PAGE, [
      tenantId,
      site,
      before,
      limit,
      0,
    ]);
    if (rows.length > 0) yield rows;
    if (rows.length < limit) return;
    before = rows.at(-1)!.id;
  }
}

function threadValues({ tenantId, site, visitorId }: VisitorOfSite): unknown[] {
  const consent = { surface: "proof", type: "", action: "none", visitor: visitorId, site } as const;
  const thread = threadOf(tenantId, "", consent)!;
  return [tenantId, Buffer.from(thread.personDigest, "hex"), Buffer.from(thread.threadDigest, "hex")];
}
