import type { NewConsent, RecordConsents, RecordedConsent } from "#api/consents/newConsent.ts";
import { type OriginSigner, signNothing } from "#api/consents/originSigner.ts";
import { createRecordConsents } from "#api/consents/recordConsents.ts";
import type { Database } from "#api/db/client.ts";
import { newId } from "#api/newId.ts";
import { createSecretBox } from "#api/secrets/secretBox.ts";
import type { Context } from "#api/verb.ts";
import { TEST_SECRET, UNREACHABLE_CHAIN_ID } from "./api.ts";

/** 64 hex digits. */
export const TEXT_SHA256 = "ab".repeat(32);

/** A consent of the consent log, with every kind of personal value. */
export function logConsent(visitor: string, more: Partial<NewConsent> = {}): NewConsent {
  return {
    surface: "log",
    type: "document_approval",
    action: "grant",
    decision: "accept",
    visitor,
    site: "shop.example",
    document: {
      versionId: "019ac1f0-7e1c-4000-8000-4b5a6c7d8e9f",
      slug: "terms",
      version: "3",
      language: "en",
      textSha256: TEXT_SHA256,
    },
    jurisdiction: "de",
    framework: "gdpr",
    ...more,
  };
}

/** An event of the consent receipts. */
export function receiptEvent(subject: string, more: Partial<NewConsent> = {}): NewConsent {
  return {
    surface: "receipts",
    type: "consent",
    action: "grant",
    subject,
    issuer: "https://shop.example",
    target: "https://shop.example/privacy/3",
    scope: "default",
    ...more,
  };
}

export type RecordingTenant = {
  tenantId: string;
  ctx(action?: string): Promise<Context>;
  /** Records in one call. */
  record(consents: NewConsent[], more?: Partial<RecordConsents>): Promise<RecordedConsent[]>;
  /** The same, with whatever the verb answers. */
  call(
    consents: NewConsent[],
    more?: Partial<RecordConsents>,
  ): ReturnType<ReturnType<typeof createRecordConsents>>;
};

/** The verb as a surface calls it, for one tenant without a plan. */
export function recordingTenant(
  db: Database,
  tenantId: string,
  options: {
    chainId?: number;
    clock?: () => Date;
    plan?: "free" | null;
    verb?: ReturnType<typeof createRecordConsents>;
    /** Default: nothing is signed, as by a server without a secret. */
    originSigner?: OriginSigner;
  } = {},
): RecordingTenant {
  const { chainId = UNREACHABLE_CHAIN_ID, clock = () => new Date(), plan = null } = options;
  const verb = options.verb ?? createRecordConsents(recordDeps(db));
  const callerOf = async () => {
    const { rows } = await db.pool.query<{ version: string }>("SELECT version FROM app.access_version");
    const scopes = ["submit", "query", "manage"] as const;
    const accessVersion = rows[0]!.version;
    const attributes = { site: null, siteBy: null, requireSigning: false, requireTimestamp: false };
    return { tenantId, apiKeyId: null, scopes, plan, rateLimitPerMinute: 60, accessVersion, ...attributes };
  };
  const ctx = async (action = "consent.record"): Promise<Context> => ({
    db,
    clock,
    caller: await callerOf(),
    requestId: newId(),
    clientAddress: "127.0.0.1",
    call: { action, resourceType: "consent", resourceId: null, isRecorded: false },
    originSigner: options.originSigner ?? (async () => signNothing),
  });
  const call: RecordingTenant["call"] = async (consents, more = {}) =>
    verb({ ctx: await ctx(), renewCaller: callerOf, chainId, consents, ...more });
  return { tenantId, ctx, call, record: async (...args) => (await call(...args)).recorded };
}

export function recordDeps(db: Database) {
  return {
    db,
    planLimits: { free: 100, basic: 10_000, pro: 1_000_000 },
    secretBox: createSecretBox([TEST_SECRET]),
  };
}
