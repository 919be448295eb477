import type { Caller } from "../accounts/scope.ts";
import { proofHash } from "../consents/describeConsent.ts";
import type { NewConsent, RecordConsentsVerb, RecordedConsent } from "../consents/newConsent.ts";
import { ApiError, type MemberProblem } from "../errors.ts";
import type { IdempotentRequest } from "../http/idempotencyKey.ts";
import type { Context } from "../verb.ts";
import { errorsByMember } from "./errorBody.ts";

export type RecordingDeps = {
  recordConsents: RecordConsentsVerb;
  findKeptAnswer: (tenantId: string, request: IdempotentRequest, now: Date) => Promise<string | null>;
};

export type RecordingArgs = {
  ctx: Omit<Context, "db">;
  renewCaller: () => Promise<Caller>;
  chainId: number;
  /** Null for a request without an idempotency key. */
  request: IdempotentRequest | null;
};

/** JSON text, the same to a character for a repeat. */
export type Answer = { json: string; isRepeat: boolean };

/** Records one consent (HE-1). `prepare` refuses what cannot be recorded, once it is known to be no repeat. */
export async function recordLogConsent(
  deps: RecordingDeps,
  args: RecordingArgs,
  { message, prepare }: { message: string; prepare: () => Promise<NewConsent> },
): Promise<Answer> {
  const answerOf = ([recorded]: RecordedConsent[]) => JSON.stringify({ message, data: describe(recorded!) });
  return answerOnce(deps, args, async () => ({ consents: [await prepare()], answerOf }));
}

export type Prepared = NewConsent | MemberProblem[];

/** Records what can be recorded of many, and says of each item what became of it (HE-5). */
export async function recordLogBatch(
  deps: RecordingDeps,
  args: RecordingArgs,
  prepareAll: () => Promise<Prepared[]>,
): Promise<Answer> {
  return answerOnce(deps, args, async () => {
    const items = await prepareAll();
    const consents = items.filter((item): item is NewConsent => !Array.isArray(item));
    return { consents, answerOf: (recorded) => describeBatch(items, recorded) };
  });
}

function describeBatch(items: Prepared[], recorded: RecordedConsent[]): string {
  const rest = recorded.values();
  const data = items.map((item, index) =>
    Array.isArray(item)
      ? { index, status: "error", errors: errorsByMember(item) }
      : { index, status: "recorded", ...describe(rest.next().value!) },
  );
  return JSON.stringify({ message: "Consents recorded", data });
}

type Recordable = { consents: NewConsent[]; answerOf: (recorded: RecordedConsent[]) => string };

async function answerOnce(
  { recordConsents, findKeptAnswer }: RecordingDeps,
  { request, ...args }: RecordingArgs,
  prepare: () => Promise<Recordable>,
): Promise<Answer> {
  const { ctx } = args;
  if (request !== null) {
    const kept = await findKeptAnswer(ctx.caller.tenantId, request, ctx.clock());
    if (kept !== null) {
      // No statement has checked the key of a repeat: a revoked one learns nothing.
      await args.renewCaller();
      return { json: kept, isRepeat: true };
    }
  }
  const { consents, answerOf } = await prepare();
  const { recorded, replayed } = await recordConsents({
    ...args,
    consents,
    ...(request === null ? {} : { idempotency: { ...request, answerOf } }),
  });
  return { json: replayed ?? answerOf(recorded), isRepeat: replayed !== null };
}

function describe({ token, recordDigest, createdAt }: RecordedConsent) {
  return { consent_token: token, proof_hash: proofHash(recordDigest), created_at: createdAt };
}

/** What is wrong with an item; other errors than the item's own are thrown on. */
export async function preparedOrProblems(prepare: () => Promise<NewConsent>): Promise<Prepared> {
  try {
    return await prepare();
  } catch (error) {
    if (error instanceof ApiError && error.status < 500 && error.members.length > 0)
      return [...error.members];
    throw error;
  }
}
