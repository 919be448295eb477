import type { ConsentReceiptInput } from "./consentEvent.ts";

/** What nobody told us; the specification demands a text. */
const NOT_STATED = "not stated";

/** What somebody did, in the words of the specification's `consentType`, which knows grants alone. */
function consentType(action: boolean | null): string {
  if (action === null) return "NO ACTION";
  return action ? "EXPLICIT" : "DECLINED OR WITHDRAWN";
}

/**
 * A Kantara Consent Receipt 1.1 (SG-10). Members that it demands and the event does not have say that they are not stated, or are empty or
 * false where no text may stand; and a withdrawal has a receipt like a grant. Once anchored it carries the hash receipt as a further member.
 * Source: Kantara Initiative, Consent Receipt Specification KI-CR-v1.1.0, §4.
 */
export function kantaraReceipt({
  event,
  proof,
}: Pick<ConsentReceiptInput, "event" | "proof">): Record<string, unknown> {
  return {
    version: "KI-CR-v1.1.0",
    jurisdiction: NOT_STATED,
    consentTimestamp: Math.floor(Date.parse(event.createdAt) / 1_000),
    collectionMethod: event.source ?? NOT_STATED,
    consentReceiptID: event.id,
    piiPrincipalId: event.subject ?? "erased",
    piiControllers: [
      {
        piiController: event.issuer,
        contact: NOT_STATED,
        address: {},
        email: NOT_STATED,
        phone: NOT_STATED,
      },
    ],
    policyUrl: event.target,
    services: [
      {
        service: event.issuer,
        purposes: [
          {
            purpose: event.scope,
            purposeCategory: [event.scope],
            consentType: consentType(event.action),
            piiCategory: [],
            primaryPurpose: true,
            termination: event.target,
            thirdPartyDisclosure: false,
          },
        ],
      },
    ],
    sensitive: false,
    spiCat: [],
    ...proof,
  };
}
