import type { Hex } from "#protocol/bytes.ts";
import { monthOf, type Plan, type PlanLimits, type Quota } from "../accounts/plan.ts";
import { createPlanEnds } from "../accounts/planEnds.ts";
import { isOverQuota, readMonthlyHashes } from "../accounts/readMonthlyHashes.ts";
import type { Caller } from "../accounts/scope.ts";
import { arrayLiteral, byteaArrayLiteral } from "../db/arrayLiteral.ts";
import { type Database, isDataError } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";
import { QuotaExceededError, UnavailableError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { Context } from "../verb.ts";
import { readQuotaRoom } from "./readQuotaRoom.ts";
import {
  SIGNED_PARTS,
  type SignedCall,
  type Signer,
  type StatementParts,
  signedValues,
} from "./signedSubmissions.ts";
import { BATCH_ITEMS_MAX } from "./wire.ts";

export type SubmittedHash = {
  contentHash: Hex;
  externalId: string | null;
  metadata: Record<string, unknown> | null;
};

export type SubmitHashes = {
  ctx: Omit<Context, "db">;
  /** Who the caller is now, when somebody's access has changed since the request was let in; throws when it is nobody. */
  renewCaller: () => Promise<Caller>;
  chainId: number;
  hashes: SubmittedHash[];
  /** Of a call with one hash that a device has signed: kept with it, or nothing is. */
  signer?: Signer;
};

/** `quota`: of a tenant with a plan, after this submission and those that were stored with it. */
export type Submission = { results: SubmissionResult[]; quota: Quota | null };

/** `id` is that of the accepted submission, or of the one that the tenant made before. */
export type SubmissionResult = { contentHash: Hex; status: "accepted" | "duplicate"; id: string };

type Item = {
  contentHash: Hex;
  externalId: string | null;
  /** As JSON. */
  metadata: string | null;
  id: string;
  tenantId: string;
  chainId: number;
  key: string;
};
/** A call of a group that failed alone. */
class Refused {
  readonly reason: unknown;
  constructor(reason: unknown) {
    this.reason = reason;
  }
}
/** A call whose caller or signer was read before somebody's access, or a device, changed: nothing was stored. */
const STALE = Symbol("stale");
/** Times that one call is tried while access changes under it. */
const ATTEMPTS_MAX = 50;
type Outcome = Submission | Refused | typeof STALE;

type Call = { input: SubmitHashes; items: Item[]; metadataBytes: number };

/** A group holds at most this many hashes, or this much metadata. */
const GROUP_HASHES_MAX = 500;
const GROUP_METADATA_BYTES_MAX = 1_048_576;
/** Calls with more metadata wait among themselves, so that they do not hold the many small ones up. */
const SMALL_METADATA_BYTES_MAX = 16_384;

type AcceptedRow = {
  current: boolean;
  accepted: string[] | null;
  /** Hashes of the month by tenant, of those with a plan. */
  used: Record<string, number> | null;
};

// Submissions and their audit rows in one statement, which is one transaction and one round trip. Rows come sorted by key, so
// that two processes that insert the same hashes wait for each other and never deadlock. Under an access version that is over
// nothing is stored (HA-16), nor when a tenant's plan would be exceeded: then the statement fails as a whole (HA-14). Locks are
// taken in one order: submissions by key, then months by tenant.
const acceptStatement = ({ before, condition, after }: StatementParts) => `
  WITH ${before}access AS (
    SELECT FROM app.access_version WHERE version = $16 AND ${condition}
  ), inserted AS (
    INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, external_id, metadata, created_at)
    SELECT content_hash, tenant_id, id, chain_id, external_id, metadata::jsonb, $7
    FROM unnest($1::bytea[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[])
      AS item (content_hash, tenant_id, id, chain_id, external_id, metadata), access
    ON CONFLICT (content_hash, tenant_id) DO NOTHING
    RETURNING id, tenant_id
  ), counted AS (
    INSERT INTO app.monthly_hashes AS month (tenant_id, month, hashes)
    SELECT tenant_id, $17::date, count(*) FROM inserted GROUP BY tenant_id ORDER BY tenant_id
    ON CONFLICT (tenant_id, month) DO UPDATE SET hashes = month.hashes + excluded.hashes
    RETURNING tenant_id, hashes
  ), quota AS (
    SELECT plan.tenant_id,
           coalesce(app.within_quota(counted.hashes, plan.hashes_max), before.hashes, 0) AS used
    FROM unnest($18::uuid[], $19::bigint[]) AS plan (tenant_id, hashes_max)
    LEFT JOIN counted USING (tenant_id)
    LEFT JOIN app.monthly_hashes before ON before.tenant_id = plan.tenant_id AND before.month = $17::date
  ), audited AS (
    INSERT INTO app.audit_logs (tenant_id, request_id, api_key_id, action, resource_type, resource_id, ip_address, status_code, created_at)
    SELECT tenant_id, request_id, api_key_id, action, 'hash', resource_id, ip_address,
           CASE WHEN single_id IS NULL OR single_id IN (SELECT id FROM inserted) THEN 202 ELSE 200 END, $7
    FROM unnest($8::uuid[], $9::uuid[], $10::uuid[], $11::text[], $12::text[], $13::text[], $14::uuid[])
      AS call (tenant_id, request_id, api_key_id, action, resource_id, ip_address, single_id), access
  )${after}
  SELECT EXISTS (SELECT FROM access) AS current,
         (SELECT jsonb_object_agg(tenant_id, used) FROM quota) AS used,
         CASE WHEN count(*) < $15 THEN coalesce(array_agg(id), '{}') END AS accepted FROM inserted`;

const ACCEPT = acceptStatement({ before: "", condition: "true", after: "" });
const ACCEPT_SIGNED = acceptStatement(SIGNED_PARTS);

const FIND_EARLIER = `
  SELECT s.content_hash, s.tenant_id, s.id
  FROM unnest($1::bytea[], $2::uuid[]) AS wanted (content_hash, tenant_id)
  JOIN app.submissions s USING (content_hash, tenant_id)`;

/**
 * Accepts hashes for anchoring. The promise is kept when this returns: submissions and audit rows are committed
 * (protocol §4.1). All hashes of one call are stored, or none. Calls that wait together share a transaction.
 */
export function createSubmitHashes(
  db: Database,
  planLimits: PlanLimits,
): (input: SubmitHashes) => Promise<Submission> {
  const laneOfUnsigned = createLanes({ db, planLimits });
  // Groups of signed calls have a statement of their own; the others do not pay for it.
  const laneOfSigned = createLanes({ db, planLimits });
  return async (given) => {
    let input = given;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const call = toCall(input);
      const outcome = await (input.signer ? laneOfSigned : laneOfUnsigned)(call);
      if (outcome instanceof Refused) throw outcome.reason;
      if (outcome !== STALE) return outcome;
      input = await renew(input);
    }
    throw new UnavailableError("Keys are being changed too often; try again");
  };
}

async function renew(input: SubmitHashes): Promise<SubmitHashes> {
  const ctx = { ...input.ctx, caller: await input.renewCaller() };
  if (input.signer === undefined) return { ...input, ctx };
  return { ...input, ctx, signer: { ...input.signer, signedBy: await input.signer.renew() } };
}

type AcceptDeps = { db: Database; planLimits: PlanLimits };

/** Each call goes into the group of its like. */
function createLanes(deps: AcceptDeps): (call: Call) => Promise<Outcome> {
  const inGroups = (acceptCalls: typeof acceptGroup) =>
    groupCalls((calls: Call[]) => acceptCalls(deps, calls), {
      weightMax: 1,
      weightOf: ({ items, metadataBytes }) =>
        Math.max(items.length / GROUP_HASHES_MAX, metadataBytes / GROUP_METADATA_BYTES_MAX),
      concurrencyMax: 1, // two groups under way would be smaller ones, and cost more than they gain
    });
  const submitSmall = inGroups(acceptGroup);
  const submitLarge = inGroups(acceptGroup);
  const submitNearPlanEnd = inGroups(acceptWhatFits);
  const planEnds = createPlanEnds(BATCH_ITEMS_MAX);
  const laneOf = (call: Call, month: string) => {
    if (planEnds.isNear(call.input.ctx.caller.tenantId, month)) return submitNearPlanEnd;
    return call.metadataBytes > SMALL_METADATA_BYTES_MAX ? submitLarge : submitSmall;
  };
  return async (call) => {
    const { tenantId } = call.input.ctx.caller;
    const month = monthOf(call.input.ctx.clock());
    const outcome = await laneOf(call, month)(call);
    if (outcome instanceof Refused) planEnds.noteRefusal(tenantId, month, outcome.reason);
    else if (outcome !== STALE) planEnds.noteQuota(tenantId, outcome.quota);
    return outcome;
  };
}

/** Of tenants at their plan's end: refuses without a try what does not fit, which else would make its group fail. */
async function acceptWhatFits(deps: AcceptDeps, calls: Call[]): Promise<Outcome[]> {
  const version = versionOf(calls);
  const rooms =
    version === null
      ? null
      : await readQuotaRoom(
          deps.db,
          calls.map(({ input, items }) => ({
            tenantId: input.ctx.caller.tenantId,
            contentHashes: items.map(({ contentHash }) => contentHash),
          })),
          { accessVersion: version, now: calls[0]!.input.ctx.clock() },
        );
  if (rooms === null) return calls.map(() => STALE);
  const refused = calls.map(({ input }, index) => {
    const { plan } = input.ctx.caller;
    const { used, fresh } = rooms[index]!;
    if (plan === null || fresh === 0 || used + fresh <= deps.planLimits[plan]) return null;
    return new Refused(new QuotaExceededError({ limit: deps.planLimits[plan], used }));
  });
  const fitting = calls.filter((_, index) => refused[index] === null);
  const outcomes = fitting.length === 0 ? [] : await acceptGroup(deps, fitting);
  return refused.map((refusal) => refusal ?? outcomes.shift()!);
}

/** The access version that all callers were read with; it differs only in the moment in which one ends: then null. */
function versionOf(calls: Call[]): string | null {
  const version = calls[0]!.input.ctx.caller.accessVersion;
  return calls.every(({ input }) => input.ctx.caller.accessVersion === version) ? version : null;
}

async function acceptGroup(deps: AcceptDeps, calls: Call[]): Promise<Outcome[]> {
  if (versionOf(calls) === null) return calls.map(() => STALE);
  try {
    return await accept(deps, calls);
  } catch (error) {
    if (!isDataError(error) && !isOverQuota(error)) throw error;
    // What the database refuses of one must not take its neighbours down with it: nothing was stored, so each goes alone.
    return Promise.all(calls.map((call) => acceptAlone(deps, call)));
  }
}

async function acceptAlone(deps: AcceptDeps, call: Call): Promise<Outcome> {
  try {
    const [outcome] = await accept(deps, [call]);
    return outcome!;
  } catch (error) {
    if (!isOverQuota(error)) return new Refused(error);
    const { caller, clock } = call.input.ctx;
    const used = await readMonthlyHashes(deps.db, caller.tenantId, clock());
    return new Refused(new QuotaExceededError({ limit: deps.planLimits[caller.plan!], used }));
  }
}

function toCall(input: SubmitHashes): Call {
  const { tenantId } = input.ctx.caller;
  let metadataBytes = 0;
  const items = input.hashes.map(({ contentHash, externalId, metadata }) => {
    const text = metadata === null ? null : JSON.stringify(metadata);
    if (text !== null) metadataBytes += Buffer.byteLength(text);
    return {
      contentHash,
      externalId,
      metadata: text,
      id: newId(),
      tenantId,
      chainId: input.chainId,
      key: contentHash + tenantId,
    };
  });
  return { input, items, metadataBytes };
}

async function accept({ db, planLimits }: AcceptDeps, calls: Call[]): Promise<Exclude<Outcome, Refused>[]> {
  // The first of equal hashes in a group is the one to insert; the others are duplicates of it.
  const first = new Map<string, Item>();
  for (const call of calls)
    for (const item of call.items) if (!first.has(item.key)) first.set(item.key, item);
  const items = [...first.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const values = acceptValues(items, calls, planLimits);
  // Null stands for all of them, which is the rule.
  const { rows } = await db.pool.query<AcceptedRow>(
    calls[0]!.input.signer === undefined
      ? { name: "accept-submissions", text: ACCEPT, values }
      : {
          name: "accept-signed",
          text: ACCEPT_SIGNED,
          values: [...values, ...signedValues(calls.map(toSignedCall))],
        },
  );
  if (!rows[0]!.current) return calls.map(() => STALE);
  for (const call of calls) call.input.ctx.call.isRecorded = true;
  const accepted = rows[0]!.accepted === null ? null : new Set(rows[0]!.accepted);
  const isAccepted = (item: Item) =>
    first.get(item.key) === item && (accepted === null || accepted.has(item.id));
  const earlier = items.filter((item) => !isAccepted(item));
  const idOfKey = await findEarlier(db, earlier);
  return calls.map(({ input: { ctx }, items: own }) => ({
    results: own.map((item) => ({
      contentHash: item.contentHash,
      status: isAccepted(item) ? "accepted" : "duplicate",
      id: idOfKey.get(item.key) ?? first.get(item.key)!.id,
    })),
    quota: ctx.caller.plan && {
      limit: planLimits[ctx.caller.plan],
      used: rows[0]!.used![ctx.caller.tenantId]!,
    },
  }));
}

/** Of a group of signed calls: all of a group are signed, or none is. */
function toSignedCall({ input: { ctx, signer }, items: [item] }: Call): SignedCall {
  return {
    tenantId: ctx.caller.tenantId,
    hashDigits: item!.contentHash.slice(2),
    metadata: item!.metadata,
    signedBy: signer!.signedBy,
  };
}

function acceptValues(items: Item[], calls: Call[], planLimits: PlanLimits): unknown[] {
  const now = calls[0]!.input.ctx.clock();
  const plans = new Map<string, Plan>(
    calls.flatMap(({ input: { ctx } }) => (ctx.caller.plan ? [[ctx.caller.tenantId, ctx.caller.plan]] : [])),
  );
  const ctxOf = calls.map((call) => call.input.ctx);
  // Only the audit row of a single submission names its hash, and depends on whether it was stored.
  const single = (call: Call) => (call.input.ctx.call.action === "hash.submit_batch" ? null : call.items[0]!);
  return [
    byteaArrayLiteral(items.map((item) => item.contentHash.slice(2))),
    arrayLiteral(items.map((item) => item.tenantId)),
    arrayLiteral(items.map((item) => item.id)),
    arrayLiteral(items.map((item) => item.chainId)),
    items.map((item) => item.externalId),
    items.map((item) => item.metadata),
    now,
    arrayLiteral(ctxOf.map((ctx) => ctx.caller.tenantId)),
    arrayLiteral(ctxOf.map((ctx) => ctx.requestId)),
    arrayLiteral(ctxOf.map((ctx) => ctx.caller.apiKeyId)),
    arrayLiteral(ctxOf.map((ctx) => ctx.call.action)),
    arrayLiteral(calls.map((call) => single(call)?.contentHash ?? null)),
    arrayLiteral(ctxOf.map((ctx) => ctx.clientAddress)),
    arrayLiteral(calls.map((call) => single(call)?.id ?? null)),
    items.length,
    ctxOf[0]!.caller.accessVersion,
    monthOf(now),
    arrayLiteral([...plans.keys()]),
    arrayLiteral([...plans.values()].map((plan) => planLimits[plan])),
  ];
}

/** Ids of submissions that were there before, by content hash and tenant. */
async function findEarlier(db: Database, items: Item[]): Promise<Map<string, string>> {
  if (items.length === 0) return new Map();
  const { rows } = await db.pool.query<{ content_hash: Buffer; tenant_id: string; id: string }>({
    name: "find-earlier-submissions",
    text: FIND_EARLIER,
    values: [
      items.map((item) => Buffer.from(item.contentHash.slice(2), "hex")),
      items.map((item) => item.tenantId),
    ],
  });
  return new Map(rows.map((row) => [`0x${row.content_hash.toString("hex")}${row.tenant_id}`, row.id]));
}
