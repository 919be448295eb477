import { monthOf, type PlanLimits } from "../accounts/plan.ts";
import { createPlanEnds } from "../accounts/planEnds.ts";
import { isOverQuota, readMonthlyHashes } from "../accounts/readMonthlyHashes.ts";
import { type Database, isDataError } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";
import { QuotaExceededError, UnavailableError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { SecretBox } from "../secrets/secretBox.ts";
import { CONSENTS_PER_CALL_MAX, type RecordConsentsVerb, type RecordOutcome } from "./newConsent.ts";
import { readAnswers, readThreadHeads, type TenantDigest } from "./readEarlier.ts";
import {
  type AddressDigest,
  type Call,
  digestText,
  draft,
  type Earlier,
  makeGroup,
  threadText,
} from "./recordGroup.ts";
import { isTaken, quotasOf, storeRecords } from "./storeRecords.ts";

export type RecordConsentsDeps = {
  db: Database;
  planLimits: PlanLimits;
  /** Keys the digests of IP addresses; without one there are none, and only the mask is kept. */
  secretBox: SecretBox | null;
};

/** A call of a group that failed alone. */
class Refused {
  readonly reason: unknown;
  constructor(reason: unknown) {
    this.reason = reason;
  }
}
/** A call whose caller was read before somebody's access changed: nothing was stored. */
const STALE = Symbol("stale");
/** A call that goes again: an equal one of its group, which was stored, has its answer. */
const AGAIN = Symbol("again");
type Outcome = RecordOutcome | Refused | typeof STALE | typeof AGAIN;

/** A group holds at most this many consents, or this much text of theirs. */
const GROUP_CONSENTS_MAX = 500;
const GROUP_CHARACTERS_MAX = 1_048_576;
/** Beyond what is free text, a record is about this long. */
const RECORD_CHARACTERS = 1_500;
/** Each time another process has stored something in the same threads, so all together they get on. */
const ATTEMPTS_MAX = 50;

/**
 * Records consents. The promise is kept when this returns: records, submissions of their digests, idempotency keys and audit rows
 * are committed together (protocol §4.1, §7). Calls that wait together share a transaction. Every record is made over what stood last in its
 * thread; when another process has continued that meanwhile, nothing is stored, and the records are made anew.
 */
export function createRecordConsents(deps: RecordConsentsDeps): RecordConsentsVerb {
  const inTurn = createTurns();
  const inGroups = () =>
    groupCalls((calls: Call[]) => inTurn(keysOf(calls), () => recordCalls(deps, calls)), {
      weightMax: 1,
      weightOf,
      concurrencyMax: 2, // while one is stored, the next is made
    });
  const record = inGroups();
  // Calls of tenants at the end of their plan make a group fail, and each then goes alone: others are kept out of that.
  const recordNearPlanEnd = inGroups();
  const planEnds = createPlanEnds(CONSENTS_PER_CALL_MAX);

  return async (given) => {
    if (given.consents.length > CONSENTS_PER_CALL_MAX)
      throw new RangeError(`more than ${CONSENTS_PER_CALL_MAX} consents in a call`);
    let input = given;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const { tenantId } = input.ctx.caller;
      const month = monthOf(input.ctx.clock());
      const inLane = planEnds.isNear(tenantId, month) ? recordNearPlanEnd : record;
      const outcome = await inLane(draft(input, newId));
      if (outcome instanceof Refused) {
        planEnds.noteRefusal(tenantId, month, outcome.reason);
        throw outcome.reason;
      }
      if (outcome !== STALE && outcome !== AGAIN) return outcome;
      if (outcome === STALE) input = { ...input, ctx: { ...input.ctx, caller: await input.renewCaller() } };
    }
    throw new UnavailableError("Keys are being changed too often; try again");
  };
}

/** Groups that have a thread or a key in common come one after the other; they would only make each other begin anew. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return async <T>(keys: string[], work: () => Promise<T>): Promise<T> => {
    const before = keys.flatMap((key) => last.get(key) ?? []);
    const turn = Promise.allSettled(before).then(work);
    for (const key of keys) last.set(key, turn);
    try {
      return await turn;
    } finally {
      for (const key of keys) if (last.get(key) === turn) last.delete(key);
    }
  };
}

function keysOf(calls: Call[]): string[] {
  const texts = new Set<string>();
  for (const { drafts, key } of calls) {
    if (key !== null) texts.add(digestText(key));
    for (const { thread } of drafts) if (thread !== null) texts.add(threadText(thread));
  }
  return [...texts];
}

function weightOf({ input: { consents } }: Call): number {
  let characters = 0;
  for (const { metadata, pageUrl, userAgent, tcfString, acString, gppString } of consents) {
    characters += RECORD_CHARACTERS + (metadata === undefined ? 0 : JSON.stringify(metadata).length);
    for (const text of [pageUrl, userAgent, tcfString, acString, gppString]) characters += text?.length ?? 0;
  }
  return Math.max(consents.length / GROUP_CONSENTS_MAX, characters / GROUP_CHARACTERS_MAX);
}

async function recordCalls(deps: RecordConsentsDeps, calls: Call[]): Promise<Outcome[]> {
  // Versions differ only in the moment in which one ends; whoever has another than the last one asks again.
  const version = calls.at(-1)!.input.ctx.caller.accessVersion;
  if (calls.some(({ input }) => input.ctx.caller.accessVersion !== version)) return calls.map(() => STALE);
  try {
    return await recordTogether(deps, calls);
  } catch (error) {
    if (!isDataError(error) && !isOverQuota(error)) throw error;
    // What the database refuses of one must not take its neighbours down with it: nothing was stored, so each goes alone.
    const outcomes: Outcome[] = [];
    for (const call of calls) outcomes.push(await recordAlone(deps, call));
    return outcomes;
  }
}

async function recordAlone(deps: RecordConsentsDeps, call: Call): Promise<Outcome> {
  try {
    const [outcome] = await recordTogether(deps, [call]);
    return outcome!;
  } catch (error) {
    if (!isOverQuota(error)) return new Refused(error);
    const { caller, clock } = call.input.ctx;
    const used = await readMonthlyHashes(deps.db, caller.tenantId, clock());
    return new Refused(new QuotaExceededError({ limit: deps.planLimits[caller.plan!], used }));
  }
}

async function recordTogether(deps: RecordConsentsDeps, calls: Call[]): Promise<Outcome[]> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const outcomes = await attemptOnce(deps, calls);
    if (outcomes !== null) return outcomes;
  }
  throw new UnavailableError("Too many consents of one person at once; try again");
}

/** Outcomes in the calls' order; null when another process was faster, and nothing was stored. */
async function attemptOnce(deps: RecordConsentsDeps, calls: Call[]): Promise<Outcome[] | null> {
  const now = calls[0]!.input.ctx.clock();
  const earlier = await readEarlier(deps.db, calls, now);
  const { outcomes, toStore } = makeGroup(calls, earlier, { now, addressDigest: addressDigestOf(deps) });
  const callers = calls.map(({ input }) => input.ctx.caller);
  try {
    const signOrigins = await calls[0]!.input.ctx.originSigner();
    const stored = await storeRecords(deps.db.pool, signOrigins, {
      ...toStore,
      accessVersion: callers[0]!.accessVersion,
      quotas: quotasOf(callers, deps.planLimits),
    });
    if (stored === "staleAccess") return calls.map(() => STALE);
    if (stored === "staleThreads") return null;
  } catch (error) {
    if (isTaken(error)) return null;
    throw error;
  }
  for (const { ctx, resourceId } of toStore.audits) {
    ctx.call.isRecorded = true;
    ctx.call.resourceId = resourceId;
  }
  return outcomes.map((outcome) => (outcome instanceof Error ? new Refused(outcome) : (outcome ?? AGAIN)));
}

async function readEarlier(db: Database, calls: Call[], now: Date): Promise<Earlier> {
  const drafts = calls.flatMap((call) => call.drafts);
  const threads = distinct(
    drafts.flatMap(({ thread }) => thread ?? []),
    threadText,
  );
  const keys = distinct(
    calls.flatMap(({ key }) => key ?? []),
    digestText,
  );
  const [heads, answers] = await Promise.all([
    readThreadHeads(db, [...threads.values()]),
    readAnswers(db, [...keys.values()] as TenantDigest[], now),
  ]);
  return { heads: byKey(threads, heads), answers: byKey(keys, answers) };
}

function distinct<T>(values: T[], textOf: (value: T) => string): Map<string, T> {
  return new Map(values.map((value) => [textOf(value), value]));
}

function byKey<T>(wanted: Map<string, unknown>, found: (T | undefined)[]): Map<string, T> {
  const entries = [...wanted.keys()].map((key, place) => [key, found[place]] as const);
  return new Map(entries.filter((entry): entry is [string, T] => entry[1] !== undefined));
}

function addressDigestOf({ secretBox }: RecordConsentsDeps): AddressDigest | null {
  return secretBox && ((tenantId, address) => secretBox.mac(address, `ip address, ${tenantId}`));
}
