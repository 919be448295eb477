import { arrayLiteral, byteaArrayLiteral } from "../db/arrayLiteral.ts";
import type { Database } from "../db/client.ts";
import { IDEMPOTENCY_KEPT_MS } from "./newConsent.ts";
import type { ThreadKey } from "./threads.ts";

/** The last record of a thread. */
export type ThreadHead = {
  id: string;
  recordDigest: string;
  position: number;
  grantStands: boolean;
  createdAt: Date;
};
export type KeptAnswer = { requestSha256: Buffer; answer: string };

export type TenantThread = ThreadKey & { tenantId: string };
/** Digests as hex. */
export type TenantDigest = { tenantId: string; digest: string };

const HEADS = `
  SELECT wanted.place::int, c.id, encode(c.record_digest, 'hex') AS record_digest, c.thread_position, c.grant_stands, c.created_at
  FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) WITH ORDINALITY AS wanted (tenant_id, person_digest, thread_digest, place)
  CROSS JOIN LATERAL (
    SELECT * FROM app.consents c
    WHERE c.tenant_id = wanted.tenant_id AND c.person_digest = wanted.person_digest AND c.thread_digest = wanted.thread_digest
    ORDER BY c.thread_position DESC LIMIT 1) c`;

const ANSWERS = `
  SELECT wanted.place::int, k.request_sha256, k.answer, k.created_at <= $3 AS is_over
  FROM unnest($1::uuid[], $2::bytea[]) WITH ORDINALITY AS wanted (tenant_id, key_sha256, place)
  JOIN app.idempotency_keys k USING (tenant_id, key_sha256)`;

const FORGET_ANSWERS = `
  DELETE FROM app.idempotency_keys k USING unnest($1::uuid[], $2::bytea[]) AS wanted (tenant_id, key_sha256)
  WHERE k.tenant_id = wanted.tenant_id AND k.key_sha256 = wanted.key_sha256 AND k.created_at <= $3`;

type HeadRow = {
  place: number;
  id: string;
  record_digest: string;
  thread_position: number;
  grant_stands: boolean;
  created_at: Date;
};
type AnswerRow = { place: number; request_sha256: Buffer; answer: string; is_over: boolean };

/** The last record of each thread, in their order; undefined for a thread that nothing stands in. */
export async function readThreadHeads(
  { pool }: { pool: Pick<Database["pool"], "query"> },
  threads: TenantThread[],
): Promise<ThreadHead[]> {
  const heads: ThreadHead[] = [];
  if (threads.length === 0) return heads;
  const { rows } = await pool.query<HeadRow>({
    name: "read-thread-heads",
    text: HEADS,
    values: [
      arrayLiteral(threads.map(({ tenantId }) => tenantId)),
      byteaArrayLiteral(threads.map((thread) => thread.personDigest)),
      byteaArrayLiteral(threads.map((thread) => thread.threadDigest)),
    ],
  });
  for (const row of rows)
    heads[row.place - 1] = {
      id: row.id,
      recordDigest: row.record_digest,
      position: row.thread_position,
      grantStands: row.grant_stands,
      createdAt: row.created_at,
    };
  return heads;
}

/** The answers kept under these idempotency keys, in their order; undefined for none. Forgets those whose time is over. */
export async function readAnswers(
  { pool }: Database,
  wanted: TenantDigest[],
  now: Date,
): Promise<KeptAnswer[]> {
  const answers: KeptAnswer[] = [];
  if (wanted.length === 0) return answers;
  const values = [...digestValues(wanted), new Date(now.getTime() - IDEMPOTENCY_KEPT_MS)];
  const { rows } = await pool.query<AnswerRow>({ name: "read-answers", text: ANSWERS, values });
  if (rows.some((row) => row.is_over)) await pool.query(FORGET_ANSWERS, values);
  for (const row of rows)
    if (!row.is_over) answers[row.place - 1] = { requestSha256: row.request_sha256, answer: row.answer };
  return answers;
}

function digestValues(wanted: TenantDigest[]): unknown[] {
  return [
    arrayLiteral(wanted.map(({ tenantId }) => tenantId)),
    byteaArrayLiteral(wanted.map(({ digest }) => digest)),
  ];
}
