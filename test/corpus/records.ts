import { hash } from "node:crypto";
import type { OriginKind } from "#protocol/consentOrigin.ts";
import { disclosureDigest, encodeDisclosure, type Json, recordDigest } from "#protocol/consentRecord.ts";

/** A consent record as a service has it: all fields disclosed. `digest`: 64 hex digits. */
export type TestRecord = {
  kind: OriginKind;
  fields: Record<string, Json>;
  disclosures: string[];
  _sd: string[];
  digest: string;
};

export const SITE = "shop.example";
export const ISSUER = "https://shop.example";
export const CREATED = "2026-03-02T00:10:00.345Z";
const NEXT_CREATED = "2026-03-02T00:11:00.000Z";
const LAST_CREATED = "2026-03-02T00:12:00.000Z";

/** Salts follow from the names, so that a record is the same each time. */
export function newRecord(name: string, kind: OriginKind, fields: Record<string, Json>): TestRecord {
  const disclosures = Object.entries(fields).map(([field, value]) =>
    encodeDisclosure({ salt: saltOf(`${name}/${field}`), name: field, value }),
  );
  const _sd = disclosures.map((disclosure) => disclosureDigest(disclosure)).sort();
  return { kind, fields, disclosures, _sd, digest: recordDigest(_sd).slice(2) };
}

export function saltOf(name: string): string {
  return Buffer.from(hash("sha256", `Holdfast corpus, salt: ${name}`, "hex").slice(0, 32), "hex").toString(
    "base64url",
  );
}

function logFields(visitor: string, more: Record<string, Json> = {}): Record<string, Json> {
  return {
    type: "document_approval",
    action: "grant",
    decision: "accept",
    site: SITE,
    document: {
      language: "en",
      slug: "terms",
      version: "3",
      version_id: "019ac1f0-7e1c-4000-8000-4b5a6c7d8e9f",
    },
    text_sha256: "ab".repeat(32),
    categories: { ads: false, statistics: true },
    jurisdiction: "de",
    framework: "gdpr",
    created: CREATED,
    visitor,
    ip_masked: "203.0.113.0",
    user_agent: "Mozilla/5.0 (Test)",
    metadata: { order: "ORD-1", list: [1, null, "\u010dokolada"] },
    ...more,
  };
}

function eventFields(more: Record<string, Json> = {}): Record<string, Json> {
  return {
    type: "consent_event",
    action: "grant",
    issuer: ISSUER,
    target: `${ISSUER}/policy`,
    source: `${ISSUER}/signup`,
    scope: "ads",
    created: CREATED,
    subject: "foo@bar.example",
    ...more,
  };
}

const gateFields: Record<string, Json> = {
  type: "document_acceptance",
  action: "grant",
  verification: "ver_0a1b2c3d",
  document: {
    language: "en",
    slug: "rules",
    version: "1",
    version_id: "019ac1f0-7e1c-4000-8000-000000000001",
  },
  text_sha256: "cd".repeat(32),
  created: CREATED,
  visitor: "external-1",
};

function proofFields(more: Record<string, Json> = {}): Record<string, Json> {
  return {
    type: "cookie_banner",
    action: "grant",
    decision: "custom_selection",
    site: SITE,
    categories: { necessary: true, functional: true, analytics: false, advertising: false },
    gpc: { detected: true, honored: false },
    tcf_string: "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
    language: "sr",
    banner_mode: "opt-in",
    consented_at: "2026-03-02T00:09:59.000Z",
    created: CREATED,
    visitor: "visitor-1",
    ip_masked: "203.0.113.0",
    page_url: "https://shop.example/\u010dokolada",
    ...more,
  };
}

const previous = (record: TestRecord) => ({ previous: `sha256:${record.digest}` });

const first = newRecord("first", "consent-receipts", eventFields());
const second = newRecord(
  "second",
  "consent-receipts",
  eventFields({ action: "withdraw", created: NEXT_CREATED, ...previous(first) }),
);
const third = newRecord(
  "third",
  "consent-receipts",
  eventFields({ created: LAST_CREATED, delegate: "parent@bar.example", ...previous(second) }),
);
const follower = (name: string, more: Record<string, Json>) =>
  newRecord(name, "consent-receipts", eventFields({ created: NEXT_CREATED, ...previous(first), ...more }));

/** Recorded by the service. */
export const GENUINE = {
  log: newRecord("log", "consent-log", logFields("visitor-4711")),
  logByTenant: newRecord("logByTenant", "consent-log", logFields("visitor-4712", { site: "else.example" })),
  logOfNoSite: newRecord("logOfNoSite", "consent-log", {
    type: "cookie_consent",
    action: "decline",
    created: CREATED,
  }),
  old: newRecord("old", "consent-log", logFields("visitor-4713", { created: "2026-02-20T08:00:00.000Z" })),
  late: newRecord("late", "consent-log", logFields("visitor-4714", { created: "2026-03-09T00:00:00.000Z" })),
  timeless: newRecord("timeless", "consent-log", logFields("visitor-4715", { created: "yesterday" })),
  first,
  second,
  third,
  back: follower("back", { created: "2026-03-02T00:09:00.000Z" }),
  otherScope: follower("otherScope", { scope: "mail" }),
  otherSubject: follower("otherSubject", { subject: "else@bar.example" }),
  otherIssuer: follower("otherIssuer", { issuer: "https://else.example" }),
  otherTarget: follower("otherTarget", { target: `${ISSUER}/policy/2` }),
  stranger: newRecord("stranger", "consent-receipts", eventFields({ scope: "stranger" })),
  refusal: newRecord("refusal", "consent-receipts", eventFields({ action: "decline", scope: "decline" })),
  nothing: newRecord("nothing", "consent-receipts", eventFields({ action: "none", scope: "none" })),
  gate: newRecord("gate", "consent-gate", gateFields),
  proof: newRecord("proof", "consent-proof", proofFields()),
  erasure: newRecord("erasure", "erasure", {
    type: "erasure",
    action: "none",
    erased: { records: 2, digests_sha256: "ef".repeat(32) },
    created: LAST_CREATED,
  }),
} as const satisfies Record<string, TestRecord>;

const forgedFirst = newRecord("forged first", "consent-receipts", eventFields({ scope: "forged" }));

/**
 * Made by a customer who had their digests anchored as plain hashes: the service recorded none of
 * them.
 */
export const FORGED = {
  log: newRecord("forged log", "consent-log", logFields("somebody who never consented")),
  gate: newRecord("forged gate", "consent-gate", gateFields),
  proof: newRecord("forged proof", "consent-proof", proofFields({ visitor: "somebody who never consented" })),
  first: forgedFirst,
  second: newRecord(
    "forged second",
    "consent-receipts",
    eventFields({ scope: "forged", action: "withdraw", created: NEXT_CREATED, ...previous(forgedFirst) }),
  ),
} as const satisfies Record<string, TestRecord>;
