import type { PoolClient } from "pg";
import type { Database } from "../db/client.ts";
import { withTransaction } from "../db/transaction.ts";
import { consentEventData } from "../webhooks/consentEventData.ts";
import { recordEvent } from "../webhooks/recordEvent.ts";

/** Consents of one transaction. */
const LAPSED_MAX = 500;

// Most looks find nothing, and should write nothing.
const IS_ANY = "SELECT EXISTS (SELECT FROM app.consent_expiries WHERE expires_at <= $1) AS is_any";

const TAKE = `
  DELETE FROM app.consent_expiries WHERE (expires_at, tenant_id, id) IN (
    SELECT expires_at, tenant_id, id FROM app.consent_expiries
    WHERE expires_at <= $1 ORDER BY expires_at, tenant_id, id LIMIT ${LAPSED_MAX} FOR UPDATE SKIP LOCKED)
  RETURNING tenant_id, id`;

// A grant that still stood: one that was withdrawn, replaced or erased has not expired; a banner that was closed changes nothing.
const STOOD = `
  SELECT c.tenant_id, c.expires_at, ${consentEventData("c")} AS data
  FROM unnest($1::uuid[], $2::uuid[]) AS lapsed (tenant_id, id) JOIN app.consents c USING (tenant_id, id)
  WHERE c.action = 'grant' AND c.erased_by IS NULL AND NOT EXISTS (
    SELECT FROM app.consents next WHERE next.tenant_id = c.tenant_id AND next.person_digest = c.person_digest
      AND next.thread_digest = c.thread_digest AND next.thread_position > c.thread_position AND next.action <> 'none')
  ORDER BY c.expires_at, c.tenant_id, c.id`;

type Lapsed = { tenant_id: string; id: string };
type Expired = { tenant_id: string; expires_at: Date; data: object };

/**
 * Lets webhooks hear of grants whose time is over (HA-10). A grant leaves the list in the transaction that tells of it, so it is told
 * of once, whatever stops when.
 * @returns whether there may be more.
 */
export async function tellExpired(db: Database, now: Date): Promise<boolean> {
  const { rows: found } = await db.pool.query<{ is_any: boolean }>(IS_ANY, [now]);
  if (!found[0]!.is_any) return false;
  return withTransaction(db, async (tx) => {
    const { rows } = await tx.query<Lapsed>(TAKE, [now]);
    if (rows.length > 0) for (const expired of await readStood(tx, rows)) await tell(tx, expired);
    return rows.length === LAPSED_MAX;
  });
}

async function readStood(tx: PoolClient, lapsed: Lapsed[]): Promise<Expired[]> {
  const tenants = lapsed.map((row) => row.tenant_id);
  const ids = lapsed.map((row) => row.id);
  return (await tx.query<Expired>(STOOD, [tenants, ids])).rows;
}

function tell(tx: PoolClient, { tenant_id: tenantId, expires_at, data }: Expired): Promise<void> {
  return recordEvent(tx, { tenantId, type: "consent.expired", data, createdAt: expires_at });
}
