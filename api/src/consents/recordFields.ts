import type { Json } from "#protocol/consentRecord.ts";
import { canonicalAddress, maskAddress } from "./ipAddress.ts";
import type { ConsentAction, NewConsent } from "./newConsent.ts";

type Field = [name: string, value: Json];

/** A record's fields in the order in which they are handed out. `personal` go with an erasure. */
export type RecordFields = { lasting: Field[]; personal: Field[] };

/** What the record says beside what was given. `previousDigest`: 64 hex digits. */
export type RecordCircumstances = {
  token: string;
  action: ConsentAction;
  createdAt: Date;
  previousDigest: string | null;
  /** Keyed digest of an address, `<key id>:<hex>`; null where there is no key. */
  addressDigest: ((address: string) => string) | null;
};

/** Names and values of a record (protocol §7); what was not given is absent. */
export function recordFields(consent: NewConsent, circumstances: RecordCircumstances): RecordFields {
  return { lasting: lastingFields(consent, circumstances), personal: personalFields(consent, circumstances) };
}

function lastingFields(consent: NewConsent, { action, createdAt, previousDigest }: RecordCircumstances) {
  const { document } = consent;
  return given([
    ["type", consent.type],
    ["action", action],
    ["decision", consent.decision],
    ["issuer", consent.issuer],
    ["target", consent.target],
    ["source", consent.source],
    ["scope", consent.scope],
    ["site", consent.site],
    ["verification", consent.verification],
    [
      "document",
      document && {
        language: document.language,
        slug: document.slug,
        version: document.version,
        version_id: document.versionId,
      },
    ],
    ["text_sha256", document?.textSha256],
    ["categories", consent.categories],
    ["jurisdiction", consent.jurisdiction],
    ["framework", consent.framework],
    ["gpc", consent.gpc],
    ["tcf_string", consent.tcfString],
    ["ac_string", consent.acString],
    ["gpp_string", consent.gppString],
    ["flags", consent.flags?.length ? consent.flags : undefined],
    ["language", consent.language],
    ["banner_mode", consent.bannerMode],
    ["consented_at", consent.consentedAt?.toISOString()],
    ["expires", consent.expiresAt?.toISOString()],
    ["erased", consent.erased],
    ["created", createdAt.toISOString()],
    ["previous", previousDigest === null ? undefined : `sha256:${previousDigest}`],
  ]);
}

function personalFields(consent: NewConsent, { token, createdAt, addressDigest }: RecordCircumstances) {
  const { ipAddress } = consent;
  return given([
    ["subject", consent.subject],
    ["visitor", consent.visitor],
    ["delegate", consent.delegate],
    ["ip_masked", ipAddress === undefined ? undefined : maskAddress(ipAddress)],
    ["ip_hash", ipAddress === undefined ? undefined : addressDigest?.(canonicalAddress(ipAddress)!)],
    ["user_agent", consent.userAgent],
    ["page_url", consent.pageUrl],
    ["metadata", consent.metadata],
    ["signature", consent.sign?.({ token, createdAt })],
  ]);
}

function given(fields: [string, Json | undefined][]): Field[] {
  return fields.filter((field): field is Field => field[1] !== undefined);
}
