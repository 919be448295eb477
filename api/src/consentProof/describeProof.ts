import type { ProofRecord } from "./proofRecord.ts";

/** A record as this surface answers it (OS-6). `origin`: the service's statement that it recorded this, or null. */
export function describeProof(record: ProofRecord, origin: string | null, publicUrl: string) {
  const { signature } = record;
  return {
    receipt_id: record.receiptId,
    record_sha256: record.recordSha256,
    domain: record.domain,
    visitor_id: record.visitorId,
    action: record.action,
    categories: record.categories,
    banner_mode: record.bannerMode,
    page_url: record.pageUrl,
    country: record.country,
    language: record.language,
    gpc: record.gpc,
    ip_masked: record.maskedIp,
    tcf_string: record.tcfString,
    ac_string: record.acString,
    gpp_string: record.gppString,
    flags: record.flags,
    consented_at: record.consentedAt.toISOString(),
    expires_at: record.expiresAt?.toISOString() ?? null,
    created_at: record.createdAt.toISOString(),
    signature: signature?.value ?? null,
    signature_scheme: signature?.scheme ?? ("SHA-256" as const),
    signature_key_id: signature?.key_id ?? null,
    receipt_url: receiptUrl(publicUrl, record.receiptId),
    origin,
  };
}

export function receiptUrl(publicUrl: string, receiptId: string): string {
  return `${publicUrl}/receipt/${receiptId}`;
}
