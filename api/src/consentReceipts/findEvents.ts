import { CONSENT_COLUMNS, type StoredConsent } from "../consents/findConsent.ts";
import { personDigest, threadOf } from "../consents/threads.ts";
import type { Database } from "../db/client.ts";
import type { SearchInput } from "./wire.ts";

export type StoredEvent = StoredConsent & { shortToken: string };

const COLUMNS = `${CONSENT_COLUMNS}, c.short_token AS "shortToken"`;

const BY_ID = `
  SELECT ${COLUMNS} FROM app.submissions s JOIN app.consents c ON c.tenant_id = s.tenant_id AND c.id = s.id
  WHERE s.content_hash = $2 AND s.tenant_id = $1 AND c.surface = 'receipts'`;

const BY_TOKEN = `
  SELECT ${COLUMNS} FROM app.consents c
  WHERE c.tenant_id = $1 AND c.short_token = $2 AND c.surface = 'receipts' ORDER BY c.seq DESC`;

// The index of threads holds all records of a person together: what is read does not grow with other persons' records.
const SEARCH = `
  SELECT ${COLUMNS} FROM app.consents c
  WHERE c.tenant_id = $1 AND c.person_digest = $2 AND c.thread_digest IS NOT NULL AND c.surface = 'receipts'
    AND c.issuer = $3 AND CASE WHEN $5 THEN starts_with(c.target, $4) ELSE c.target = $4 END
    AND ($6::text IS NULL OR c.scope = $6)
  ORDER BY c.seq DESC`;

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

/** Events with a token, in any case, the newest first (SG-5). */
export async function findEventsByToken(
  { pool }: Database,
  tenantId: string,
  token: string,
): Promise<StoredEvent[]> {
  if (!/^[0-9A-Za-z]{6}$/.test(token)) return [];
  const { rows } = await pool.query<StoredEvent>(BY_TOKEN, [tenantId, token.toUpperCase()]);
  return rows;
}

const THREAD = `
  SELECT ${COLUMNS} FROM app.consents c
  WHERE c.tenant_id = $1 AND c.person_digest = $2 AND c.thread_digest = $3 ORDER BY c.thread_position`;

export type EventThread = { subject: string; issuer: string; target: string; scope: string };

/** All events of a thread, the oldest first. */
export async function readThread(
  { pool }: Database,
  tenantId: string,
  of: EventThread,
): Promise<StoredEvent[]> {
  const thread = threadOf(tenantId, "", { surface: "receipts", type: "", action: "none", ...of })!;
  const digests = [thread.personDigest, thread.threadDigest].map((digest) => Buffer.from(digest, "hex"));
  const { rows } = await pool.query<StoredEvent>(THREAD, [tenantId, ...digests]);
  return rows;
}

/** Events of a subject, the newest first; of equal times the last one appended (SG-6). */
export async function findEventsOfSubject(
  { pool }: Database,
  tenantId: string,
  input: SearchInput,
): Promise<StoredEvent[]> {
  const values = [
    tenantId,
    Buffer.from(personDigest(tenantId, input.subject), "hex"),
    input.issuer,
    input.target,
    input.match === "prefix",
    input.scope ?? null,
  ];
  const { rows } = await pool.query<StoredEvent>({ name: "search-events", text: SEARCH, values });
  return rows;
}
