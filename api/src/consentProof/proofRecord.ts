import type { Json } from "#protocol/consentRecord.ts";
import { consentToken } from "../consents/consentToken.ts";
import type { StoredConsent } from "../consents/findConsent.ts";
import type { ConsentSignature } from "../consents/newConsent.ts";
import { openFields } from "../consents/sealRecord.ts";
import type { ProofAction, ProofFlag } from "./pdf/proof.ts";
import type { SignedMembers } from "./proofSignature.ts";

/** A consent of this surface as its record has it. What an erasure took is null. */
export type ProofRecord = {
  receiptId: string;
  /** 64 hex digits. */
  recordSha256: string;
  domain: string;
  visitorId: string | null;
  action: ProofAction;
  categories: Record<string, boolean>;
  bannerMode: string | null;
  pageUrl: string | null;
  country: string | null;
  language: string | null;
  gpc: { detected: boolean; honored: boolean } | null;
  maskedIp: string | null;
  tcfString: string | null;
  acString: string | null;
  gppString: string | null;
  flags: ProofFlag[];
  signature: ConsentSignature | null;
  consentedAt: Date;
  expiresAt: Date | null;
  createdAt: Date;
  isErased: boolean;
};

/** Reads a stored consent as this surface's. */
export function proofRecord(stored: StoredConsent): ProofRecord {
  const fields = new Map<string, Json>(openFields(stored).map(({ name, value }) => [name, value]));
  const field = <T>(name: string) => (fields.get(name) ?? null) as T | null;
  return {
    receiptId: consentToken(stored.id),
    recordSha256: stored.recordDigest.toString("hex"),
    domain: field<string>("site")!,
    visitorId: field("visitor"),
    action: field<ProofAction>("decision")!,
    categories: field("categories") ?? {},
    bannerMode: field("banner_mode"),
    pageUrl: field("page_url"),
    country: field("jurisdiction"),
    language: field("language"),
    gpc: field("gpc"),
    maskedIp: field("ip_masked"),
    tcfString: field("tcf_string"),
    acString: field("ac_string"),
    gppString: field("gpp_string"),
    flags: field("flags") ?? [],
    signature: field("signature"),
    consentedAt: new Date(field<string>("consented_at") ?? stored.createdAt),
    expiresAt: stored.expiresAt,
    createdAt: stored.createdAt,
    isErased: stored.erasedBy !== null,
  };
}

/** Null once the visitor is erased. */
export function signedMembers(record: ProofRecord): SignedMembers | null {
  if (record.visitorId === null) return null;
  return {
    receipt_id: record.receiptId,
    visitor_id: record.visitorId,
    domain: record.domain,
    consented_at: record.consentedAt.toISOString(),
    action: record.action,
    categories: record.categories,
  };
}
