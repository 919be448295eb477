import { hash } from "node:crypto";
import { ConflictError } from "../errors.ts";
import { grantStandsAfter, recordedAction } from "./actions.ts";
import { IdempotencyConflictError } from "./consentErrors.ts";
import { consentToken } from "./consentToken.ts";
import type { NewConsent, RecordConsents, RecordedConsent, RecordOutcome } from "./newConsent.ts";
import type { KeptAnswer, TenantDigest, TenantThread, ThreadHead } from "./readEarlier.ts";
import { recordFields } from "./recordFields.ts";
import { sealRecord } from "./sealRecord.ts";
import type { RecordsToStore } from "./storeRecords.ts";
import { threadOf } from "./threads.ts";

/** A consent on its way; what does not change however often it is tried. Digests are hex. */
export type Draft = {
  id: string;
  consent: NewConsent;
  thread: TenantThread | null;
};
export type Call = { input: RecordConsents; drafts: Draft[]; key: TenantDigest | null };

/** What stood before in the database; of each kind by the text of its key. */
export type Earlier = {
  heads: Map<string, ThreadHead>;
  answers: Map<string, KeptAnswer>;
};

export type AddressDigest = (tenantId: string, address: string) => string;

/** What a call comes to, once `toStore` is stored; null when an equal one of the group goes first. */
export type Decision = RecordOutcome | ConflictError | IdempotencyConflictError | null;
export type Group = { outcomes: Decision[]; toStore: Omit<RecordsToStore, "accessVersion" | "quotas"> };

export function draft(input: RecordConsents, newId: () => string): Call {
  const { tenantId } = input.ctx.caller;
  const drafts = input.consents.map((consent): Draft => {
    const id = newId();
    const thread = threadOf(tenantId, id, consent);
    return {
      id,
      consent,
      thread: thread && { tenantId, ...thread },
    };
  });
  const key = input.idempotency && { tenantId, digest: hash("sha256", input.idempotency.key) };
  return { input, drafts, key: key ?? null };
}

export function threadText({ tenantId, personDigest, threadDigest }: TenantThread): string {
  return `${tenantId} ${personDigest} ${threadDigest}`;
}
export function digestText({ tenantId, digest }: TenantDigest): string {
  return `${tenantId} ${digest}`;
}

/** Makes the records of a group of calls, in their order, over what stood before. Nothing is stored here. */
export function makeGroup(
  calls: Call[],
  earlier: Earlier,
  { now, addressDigest }: { now: Date; addressDigest: AddressDigest | null },
): Group {
  const group: Group = { outcomes: [], toStore: { rows: [], heads: [], answers: [], audits: [], now } };
  const { toStore } = group;
  const heads = new Map(earlier.heads);
  const keys = new Set<string>();

  for (const call of calls) group.outcomes.push(decide(call));
  toStore.heads = continuedHeads(calls, group, earlier);
  return group;

  function decide(call: Call): Decision {
    const { input, key } = call;
    if (key !== null) {
      const kept = earlier.answers.get(digestText(key));
      if (kept !== undefined) return replay(input, kept);
      if (keys.has(digestText(key))) return null;
    }
    // What is to follow was erased since it was read: its person must not come back by that.
    if (
      call.drafts.some(
        ({ consent, thread }) => consent.previousDigest && thread && !heads.has(threadText(thread)),
      )
    )
      return new ConflictError("The consent was erased");
    if (key !== null) keys.add(digestText(key));
    const recorded = call.drafts.map((one) => record(call, one));
    if (key !== null)
      toStore.answers.push({
        tenantId: key.tenantId,
        keySha256: key.digest,
        requestSha256: input.idempotency!.requestSha256.toString("hex"),
        answer: input.idempotency!.answerOf(recorded),
      });
    toStore.audits.push({
      ctx: input.ctx,
      resourceId: recorded.length === 1 ? recorded[0]!.token : null,
      statusCode: input.statusCode ?? 201,
    });
    return { recorded, replayed: null };
  }

  function record({ input }: Call, { id, consent, thread }: Draft): RecordedConsent {
    const { tenantId } = input.ctx.caller;
    const head = (thread && heads.get(threadText(thread))) ?? null;
    // Clocks of several processes differ; in a thread time does not go back.
    const createdAt = head !== null && head.createdAt > now ? head.createdAt : now;
    const action = recordedAction(consent, head?.grantStands ?? false);
    const grantStands = grantStandsAfter(action, head?.grantStands ?? false);
    const previousDigest = head?.recordDigest ?? consent.previousDigest ?? null;
    const sealed = sealRecord(
      recordFields(consent, {
        token: consentToken(id),
        action,
        createdAt,
        previousDigest,
        addressDigest: addressDigest && ((address) => addressDigest(tenantId, address)),
      }),
    );
    const position = (head?.position ?? 0) + 1;
    toStore.rows.push({
      ...sealed,
      tenantId,
      id,
      chainId: input.chainId,
      surface: consent.surface,
      action,
      grantStands,
      thread: thread && { ...thread, position },
      previousDigest,
      shortToken: consent.shortToken ?? null,
      issuer: consent.issuer ?? null,
      target: consent.target ?? null,
      scope: consent.scope ?? null,
      site: consent.site ?? null,
      originSite: input.ctx.caller.site,
      originSiteBy: input.ctx.caller.siteBy,
      createdAt,
      expiresAt: consent.expiresAt ?? null,
    });
    const { recordDigest } = sealed;
    if (thread !== null)
      heads.set(threadText(thread), { id, recordDigest, position, grantStands, createdAt });
    return { token: consentToken(id), id, recordDigest, createdAt, action };
  }
}

/** The records in the database that those of the group continue. */
function continuedHeads(calls: Call[], { outcomes }: Group, { heads }: Earlier): RecordsToStore["heads"] {
  const found = new Map<string, RecordsToStore["heads"][number]>();
  for (const [index, { drafts }] of calls.entries()) {
    const outcome = outcomes[index]!;
    if (outcome === null || outcome instanceof Error || outcome.replayed !== null) continue;
    for (const { thread } of drafts) {
      const head = thread && heads.get(threadText(thread));
      if (head) found.set(head.id, { tenantId: thread!.tenantId, id: head.id });
    }
  }
  return [...found.values()];
}

function replay({ idempotency }: RecordConsents, kept: KeptAnswer): RecordOutcome | IdempotencyConflictError {
  const isSame = kept.requestSha256.equals(idempotency!.requestSha256);
  return isSame ? { recorded: [], replayed: kept.answer } : new IdempotencyConflictError();
}
