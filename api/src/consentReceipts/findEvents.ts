import { CONSENT_COLUMNS, type StoredConsent } from "../consents/findConsent.ts";
import { personDigest } from "../consents/threads.ts";
import type { Database } from "../db/client.ts";
import type { SearchInput } from "./wire.ts";

export type StoredEvent = StoredConsent & { shortToken: string };

/** How many events one statement reads at most. */
export const EVENTS_READ_MAX = 1_000;

const COLUMNS = `${CONSENT_COLUMNS}, c.short_token AS "shortToken"`;

const BY_ID = `
  SELECT ${COLUMNS} FROM app.submissions s JOIN app.consents c ON c.tenant_id = s.tenant_id AND c.id = s.id
  WHERE s.content_hash = $2 AND s.tenant_id = $1 AND c.surface = 'receipts'`;

const BY_TOKEN = `
  SELECT ${COLUMNS} FROM app.consents c
  WHERE c.tenant_id = $1 AND c.short_token = $2 AND c.surface = 'receipts' ORDER BY c.seq DESC LIMIT ${EVENTS_READ_MAX}`;

// The index of threads holds all records of a person together: what is read does not grow with other persons' records.
const OF_SUBJECT = `
  c.tenant_id = $1 AND c.person_digest = $2 AND c.thread_digest IS NOT NULL AND c.surface = 'receipts'
  AND c.issuer = $3 AND CASE WHEN $5 THEN starts_with(c.target, $4) ELSE c.target = $4 END
  AND ($6::text IS NULL OR c.scope = $6)`;
const OLDER = `
  ($7::uuid IS NULL OR (c.created_at, c.seq) < (SELECT a.created_at, a.seq FROM app.consents a WHERE a.tenant_id = $1 AND a.id = $7))`;
const NEWEST_FIRST = "c.created_at DESC, c.seq DESC";
const SEARCH = `
  SELECT ${COLUMNS} FROM app.consents c WHERE ${OF_SUBJECT} AND ${OLDER} ORDER BY ${NEWEST_FIRST} LIMIT $8`;
const SEARCH_CURRENT = `
  SELECT ${COLUMNS}
  FROM (SELECT DISTINCT ON (c.scope) c.* FROM app.consents c WHERE ${OF_SUBJECT} ORDER BY c.scope, ${NEWEST_FIRST}) c
  WHERE ${OLDER} ORDER BY ${NEWEST_FIRST} LIMIT $8`;

/** The tenant's event with this id, 64 hex digits; null also for another tenant's. */
export async function findEvent(
  { pool }: Database,
  tenantId: string,
  id: string,
): Promise<StoredEvent | null> {
  if (!/^[0-9a-fA-F]{64}$/.test(id)) return null;
  const { rows } = await pool.query<StoredEvent>(BY_ID, [tenantId, Buffer.from(id, "hex")]);
  return rows[0] ?? null;
}

/** Events with a token, in any case, the newest first (SG-5). Of 1,000 that share one, chance leaves no hope of a thousand and first. */
export async function findEventsByToken(
  { pool }: Database,
  tenantId: string,
  token: string,
): Promise<StoredEvent[]> {
  if (!/^[0-9A-Za-z]{6}$/.test(token)) return [];
  const { rows } = await pool.query<StoredEvent>(BY_TOKEN, [tenantId, token.toUpperCase()]);
  return rows;
}

export type SubjectEventsQuery = Omit<SearchInput, "source" | "after"> & {
  /** Only older ones than this event of the tenant's; by its consent's id. */
  olderThan: string | null;
};

/** Events of a subject, the newest first, of equal times the last one appended; with `current` the newest of each scope (SG-6). */
export async function findEventsOfSubject(
  { pool }: Database,
  tenantId: string,
  { subject, issuer, target, match, scope, current, limit, olderThan }: SubjectEventsQuery,
): Promise<StoredEvent[]> {
  const person = Buffer.from(personDigest(tenantId, subject), "hex");
  const values = [tenantId, person, issuer, target, match === "prefix", scope ?? null, olderThan, limit];
  const { rows } = await pool.query<StoredEvent>({
    name: current ? "search-current-events" : "search-events",
    text: current ? SEARCH_CURRENT : SEARCH,
    values,
  });
  return rows;
}
