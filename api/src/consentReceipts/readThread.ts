import { CONSENT_COLUMNS } from "../consents/findConsent.ts";
import { threadOf } from "../consents/threads.ts";
import type { Database } from "../db/client.ts";
import type { StoredEvent } from "./findEvents.ts";

export type EventThread = { subject: string; issuer: string; target: string; scope: string };

/** Events of a thread, the oldest first, and what the thread holds in all at the same instant; null when it holds none. */
export type ReadThread = { events: StoredEvent[]; count: number; lastDigest: string } | null;

// Positions count from 1 without a gap, so the last one's is the number of records.
const LAST = `
  SELECT c.thread_position AS count, encode(c.record_digest, 'hex') AS "lastDigest" FROM app.consents c
  WHERE c.tenant_id = $1 AND c.person_digest = $2 AND c.thread_digest = $3 ORDER BY c.thread_position DESC LIMIT 1`;
const RECORDS = `
  SELECT ${CONSENT_COLUMNS}, c.short_token AS "shortToken" FROM app.consents c
  WHERE c.tenant_id = $1 AND c.person_digest = $2 AND c.thread_digest = $3 AND c.thread_position > $4 AND c.thread_position <= $5
  ORDER BY c.thread_position`;

/** @param page at most `limit` events, without the first `offset`. */
export async function readThread(
  { pool }: Database,
  tenantId: string,
  of: EventThread,
  { offset, limit }: { offset: number; limit: number },
): Promise<ReadThread> {
  const thread = threadOf(tenantId, "", { surface: "receipts", type: "", action: "none", ...of })!;
  const digests = [thread.personDigest, thread.threadDigest].map((digest) => Buffer.from(digest, "hex"));
  const last = await pool.query<{ count: number; lastDigest: string }>(LAST, [tenantId, ...digests]);
  if (last.rows[0] === undefined) return null;
  const { count, lastDigest } = last.rows[0];
  // Records are only added after the last: what is read later is still the thread of that instant.
  const upTo = Math.min(offset + limit, count);
  const { rows } = await pool.query<StoredEvent>(RECORDS, [tenantId, ...digests, offset, upTo]);
  return { events: rows, count, lastDigest };
}
