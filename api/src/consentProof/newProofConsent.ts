import { ACTION_OF_PROOF_ACTION } from "../consents/actions.ts";
import type { NewConsent } from "../consents/newConsent.ts";
import { readSignals } from "../consents/signals/readSignals.ts";
import type { ServiceKey } from "../secrets/serviceKeys.ts";
import { signProof } from "./proofSignature.ts";
import type { RecordInput } from "./wire.ts";

/** What is to be recorded of a visitor's choice on a domain (OS-6), signed when there is a key to sign with (OS-4). */
export function newProofConsent(input: RecordInput, site: string, signingKey: ServiceKey | null): NewConsent {
  const signals = {
    tcfString: input.tcf_string ?? undefined,
    acString: input.ac_string ?? undefined,
    gppString: input.gpp_string ?? undefined,
  };
  const { visitor_id: visitorId, action, categories } = input;
  const consentedAt = input.consented_at ?? undefined;
  return {
    surface: "proof",
    type: "cookie_consent",
    action: ACTION_OF_PROOF_ACTION[action],
    decision: action,
    visitor: visitorId,
    site,
    categories,
    jurisdiction: input.country ?? undefined,
    language: input.language ?? undefined,
    bannerMode: input.banner_mode ?? undefined,
    pageUrl: input.page_url ?? undefined,
    gpc: input.gpc ?? undefined,
    ipAddress: input.ip_address ?? undefined,
    ...signals,
    flags: readSignals(signals, categories).flags,
    consentedAt,
    expiresAt: input.expires_at ?? undefined,
    sign:
      signingKey === null
        ? undefined
        : ({ token, createdAt }) =>
            signProof(
              {
                receipt_id: token,
                visitor_id: visitorId,
                domain: site,
                consented_at: (consentedAt ?? createdAt).toISOString(),
                action,
                categories,
              },
              signingKey,
            ),
  };
}
