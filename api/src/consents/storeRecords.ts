import type { PoolClient } from "pg";
import type { Plan } from "../accounts/plan.ts";
import { monthOf } from "../accounts/plan.ts";
import type { Caller, SiteBy } from "../accounts/scope.ts";
import { arrayLiteral, asciiArray, byteaArrayLiteral } from "../db/arrayLiteral.ts";
import type { Context } from "../verb.ts";
import { consentEventData } from "../webhooks/consentEventData.ts";
import type { ConsentSurface } from "./consentSurface.ts";
import type { ConsentAction } from "./newConsent.ts";
import type { SignOrigins, StoredOrigin } from "./originSigner.ts";
import type { SealedRecord } from "./sealRecord.ts";
import type { ThreadKey } from "./threads.ts";

/** A record as it is stored. Digests are hex. */
export type RecordRow = SealedRecord & {
  tenantId: string;
  id: string;
  chainId: number;
  surface: ConsentSurface;
  action: ConsentAction;
  grantStands: boolean;
  thread: (ThreadKey & { position: number }) | null;
  /** That the record discloses as the one before; also where it stands in no thread. */
  previousDigest: string | null;
  shortToken: string | null;
  issuer: string | null;
  target: string | null;
  scope: string | null;
  site: string | null;
  /** The domain that the caller's key speaks for. */
  originSite: string | null;
  /** By whose word it speaks for that. */
  originSiteBy: SiteBy | null;
  createdAt: Date;
  expiresAt: Date | null;
};

export type AnswerRow = {
  tenantId: string;
  keySha256: string;
  requestSha256: string;
  answer: string;
};
/** `resourceId`: the token of a single consent. */
export type AuditRow = { ctx: Omit<Context, "db">; resourceId: string | null; statusCode: number };

export type RecordsToStore = {
  rows: RecordRow[];
  /** Records that stood last in threads that `rows` continue: they must still stand there. */
  heads: { tenantId: string; id: string }[];
  answers: AnswerRow[];
  audits: AuditRow[];
  /** Null when the callers were checked otherwise. */
  accessVersion: string | null;
  /** Hashes per month of the tenants with a plan. */
  quotas: Map<string, number>;
  now: Date;
};

export type Stored = "stored" | "staleAccess" | "staleThreads";

/** Records of one statement are numbered with one value of the sequence. */
const SEQ_PER_STATEMENT = 1_024;

// Records, their submissions, what webhooks hear of them and all that goes with them in one statement, which is one transaction and one round trip. Rows come
// sorted by thread, so that two processes that continue the same threads wait for each other. Nothing is stored under an access
// version that is over (HA-16), nor when an erasure took a head away meanwhile: the lock waits for one that is under way. A thread
// that was continued meanwhile, or a key that was taken, breaks a unique index, and the statement fails as a whole.
const STORE = `
  WITH access AS (
    SELECT FROM app.access_version WHERE version = $1 OR $1 IS NULL
  ), head AS (
    SELECT c.id FROM unnest($2::uuid[], $3::uuid[]) AS head (tenant_id, id) JOIN app.consents c USING (tenant_id, id)
    WHERE c.thread_digest IS NOT NULL ORDER BY c.tenant_id, c.id FOR SHARE OF c
  ), ready AS (
    SELECT FROM access WHERE (SELECT count(*) FROM head) = $4
  ), first AS (
    SELECT nextval('app.consent_statements') * ${SEQ_PER_STATEMENT} AS seq FROM ready
  ), item AS MATERIALIZED (
    SELECT item.*, first.seq + item.place AS seq
    FROM unnest($5::uuid[], $6::uuid[], $7::bigint[], $8::text[], $9::text[], $10::boolean[], $11::bytea[], $12::text[], $13::text[],
                $14::bytea[], $15::bytea[], $16::int[], $17::bytea[], $18::text[], $19::text[],
                $20::text[], $21::text[], $22::text[], $23::timestamptz[], $24::timestamptz[], $25::int[],
                $42::text[], $43::text[], $44::text[], $45::bytea[])
      AS item (tenant_id, id, chain_id, surface, action, grant_stands, record_digest, lasting, personal,
               person_digest, thread_digest, thread_position, previous_digest, short_token, issuer,
               target, scope, site, created_at, expires_at, place, origin_site, origin_site_by, origin_kid, origin_signature), first
  ), stored AS (
    INSERT INTO app.consents (tenant_id, id, seq, surface, action, grant_stands, record_digest, lasting, personal,
      person_digest, thread_digest, thread_position, previous_digest, short_token, issuer, target,
      scope, site, created_at, expires_at, origin_site, origin_site_by, origin_kid, origin_signature)
    SELECT tenant_id, id, seq, surface, action, grant_stands, record_digest, lasting, personal,
      person_digest, thread_digest, thread_position, previous_digest, short_token, issuer, target,
      scope, site, created_at, expires_at, origin_site, origin_site_by, origin_kid, origin_signature
    FROM item
    RETURNING tenant_id
  ), expiring AS (
    INSERT INTO app.consent_expiries (expires_at, tenant_id, id)
    SELECT expires_at, tenant_id, id FROM item WHERE expires_at IS NOT NULL
  ), told AS (
    INSERT INTO app.webhook_outbox (tenant_id, webhook_id, id, type, data, created_at)
    SELECT w.tenant_id, w.id, item.id, event.type, ${consentEventData("item")}, item.created_at
    FROM item JOIN app.webhooks w ON w.tenant_id = item.tenant_id AND w.status = 'active'
    CROSS JOIN LATERAL (SELECT CASE item.action WHEN 'withdraw' THEN 'consent.withdrawn' ELSE 'consent.recorded' END AS type) AS event
    WHERE event.type = ANY (w.events) AND item.surface <> 'erasure'
  ), submitted AS (
    INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, created_at)
    SELECT record_digest, tenant_id, id, chain_id, created_at FROM item
  ), counted AS (
    INSERT INTO app.monthly_hashes AS month (tenant_id, month, hashes)
    SELECT tenant_id, $26::date, count(*) FROM stored GROUP BY tenant_id ORDER BY tenant_id
    ON CONFLICT (tenant_id, month) DO UPDATE SET hashes = month.hashes + excluded.hashes
    RETURNING tenant_id, hashes
  ), quota AS (
    SELECT app.within_quota(counted.hashes, plan.hashes_max) AS used
    FROM unnest($27::uuid[], $28::bigint[]) AS plan (tenant_id, hashes_max) JOIN counted USING (tenant_id)
  ), answered AS (
    INSERT INTO app.idempotency_keys (tenant_id, key_sha256, request_sha256, answer, created_at)
    SELECT answer.*, $33::timestamptz FROM unnest($29::uuid[], $30::bytea[], $31::bytea[], $32::text[]) AS answer, ready
  ), audited AS (
    INSERT INTO app.audit_logs (tenant_id, request_id, api_key_id, action, resource_type, resource_id, ip_address, status_code, created_at)
    SELECT call.*, $33::timestamptz
    FROM unnest($34::uuid[], $35::uuid[], $36::uuid[], $37::text[], $38::text[], $39::text[], $40::text[], $41::smallint[]) AS call, ready
  )
  SELECT EXISTS (SELECT FROM access) AS current, EXISTS (SELECT FROM ready) AS ready, (SELECT sum(used) FROM quota) AS used`;

/**
 * Stores records, each with its submission under the same id: the record digest is the content hash (protocol §7), and with the
 * service's statement of its origin. Fails as a whole; `isTaken` says of an error whether reading anew helps.
 */
export async function storeRecords(
  db: Pick<PoolClient, "query">,
  signOrigins: SignOrigins,
  records: RecordsToStore,
): Promise<Stored> {
  const origins = await signOrigins(records.rows);
  const { rows } = await db.query<{ current: boolean; ready: boolean }>({
    name: "store-consents",
    text: STORE,
    values: valuesOf(records, origins),
  });
  if (!rows[0]!.current) return "staleAccess";
  return rows[0]!.ready ? "stored" : "staleThreads";
}

const TAKEN = new Set(["consents_thread", "idempotency_keys_pkey"]);
const UNIQUE_VIOLATION = "23505";
const DEADLOCK = "40P01";

/** Whether another process stored meanwhile what this statement had not seen. */
export function isTaken(error: unknown): boolean {
  const { code, constraint } = (error ?? {}) as { code?: string; constraint?: string };
  return code === DEADLOCK || (code === UNIQUE_VIOLATION && TAKEN.has(constraint ?? ""));
}

function valuesOf(
  { rows, heads, answers, audits, accessVersion, quotas, now }: RecordsToStore,
  origins: StoredOrigin[] | null,
): unknown[] {
  const placed = rows.map((row, place) => ({ row, place, key: threadOrder(row) }));
  placed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.place - b.place));
  const sorted = placed.map(({ row }) => row);
  const plain = (of: (row: RecordRow) => string | number | null) => arrayLiteral(sorted.map(of));
  const bytes = (of: (row: RecordRow) => string | null) => byteaArrayLiteral(sorted.map(of));
  return [
    accessVersion,
    arrayLiteral(heads.map(({ tenantId }) => tenantId)),
    arrayLiteral(heads.map(({ id }) => id)),
    heads.length,
    plain((row) => row.tenantId),
    plain((row) => row.id),
    plain((row) => row.chainId),
    plain((row) => row.surface),
    plain((row) => row.action),
    plain((row) => String(row.grantStands)),
    bytes((row) => row.recordDigest),
    asciiArray(sorted.map((row) => row.lasting)),
    asciiArray(sorted.map((row) => row.personal)),
    bytes((row) => row.thread?.personDigest ?? null),
    bytes((row) => row.thread?.threadDigest ?? null),
    plain((row) => row.thread?.position ?? null),
    bytes((row) => row.previousDigest),
    plain((row) => row.shortToken),
    sorted.map((row) => row.issuer),
    sorted.map((row) => row.target),
    sorted.map((row) => row.scope),
    sorted.map((row) => row.site),
    plain((row) => row.createdAt.toISOString()),
    plain((row) => row.expiresAt?.toISOString() ?? null),
    arrayLiteral(placed.map(({ place }) => place)),
    monthOf(now),
    arrayLiteral([...quotas.keys()]),
    arrayLiteral([...quotas.values()]),
    arrayLiteral(answers.map(({ tenantId }) => tenantId)),
    byteaArrayLiteral(answers.map(({ keySha256 }) => keySha256)),
    byteaArrayLiteral(answers.map(({ requestSha256 }) => requestSha256)),
    answers.map(({ answer }) => answer),
    now,
    arrayLiteral(audits.map(({ ctx }) => ctx.caller.tenantId)),
    arrayLiteral(audits.map(({ ctx }) => ctx.requestId)),
    arrayLiteral(audits.map(({ ctx }) => ctx.caller.apiKeyId)),
    arrayLiteral(audits.map(({ ctx }) => ctx.call.action)),
    arrayLiteral(audits.map(({ ctx }) => ctx.call.resourceType)),
    arrayLiteral(audits.map(({ resourceId }) => resourceId)),
    audits.map(({ ctx }) => ctx.clientAddress),
    arrayLiteral(audits.map(({ statusCode }) => statusCode)),
    sorted.map((row) => row.originSite),
    arrayLiteral(sorted.map((row) => row.originSiteBy)),
    arrayLiteral(placed.map(({ place }) => (origins === null ? null : origins[place]!.kid))),
    byteaArrayLiteral(
      placed.map(({ place }) => (origins === null ? null : origins[place]!.signature.toString("hex"))),
    ),
  ];
}

function threadOrder({ tenantId, thread }: RecordRow): string {
  return thread === null ? "" : tenantId + thread.personDigest + thread.threadDigest;
}

/** Limits of the tenants with a plan among some callers. */
export function quotasOf(callers: Caller[], planLimits: Readonly<Record<Plan, number>>): Map<string, number> {
  return new Map(callers.flatMap(({ tenantId, plan }) => (plan ? [[tenantId, planLimits[plan]]] : [])));
}
