import { type ConsentReceiptInput, consentReceiptsUrl, type RecordedAction } from "./consentEvent.ts";

/** Prefixes stand in the document: whoever reads it needs nothing from elsewhere. */
const CONTEXT = {
  dpv: "https://w3id.org/dpv#",
  dct: "http://purl.org/dc/terms/",
  xsd: "http://www.w3.org/2001/XMLSchema#",
  "dct:created": { "@type": "xsd:dateTime" },
  "dct:conformsTo": { "@type": "@id" },
  "dct:source": { "@type": "xsd:string" },
  "dpv:hasConsentStatus": { "@type": "@id" },
  "dpv:isIndicatedAtTime": { "@type": "xsd:dateTime" },
};
const PROFILE = "https://w3id.org/dpv/schema/dpv-27560";

/** Terms of DPV 2 for what somebody did; a decline and a withdrawal are two things there. */
const STATUS = {
  grant: "dpv:ConsentGiven",
  decline: "dpv:ConsentRefused",
  withdraw: "dpv:ConsentWithdrawn",
  none: "dpv:ConsentUnknown",
} as const satisfies Record<RecordedAction, string>;

/**
 * A consent receipt in JSON-LD with the W3C Data Privacy Vocabulary, after its profile of ISO/IEC TS 27560 (SG-10). Once anchored
 * it carries the hash receipt as JSON.
 */
export function dpvReceipt({
  event,
  recordedAs,
  publicUrl,
  proof,
}: ConsentReceiptInput): Record<string, unknown> {
  const literal = (name: string) => ({ "@type": "@json", "@id": `${publicUrl}/receipt/v1#${name}` });
  const receiptUrl = `${consentReceiptsUrl(publicUrl)}/consents/${event.id}/receipt`;
  return {
    "@context": {
      ...CONTEXT,
      anchor: literal("anchor"),
      disclosures: literal("disclosures"),
      _sd: literal("sd"),
    },
    "@id": receiptUrl,
    "@type": "dpv:ConsentReceipt",
    "dct:conformsTo": `${PROFILE}#receipt`,
    "dct:identifier": event.id,
    "dct:created": event.createdAt,
    "dct:publisher": { "@id": publicUrl },
    "dpv:hasRecordOfActivity": {
      "@id": `${receiptUrl}#record`,
      "@type": "dpv:ConsentRecord",
      "dct:conformsTo": `${PROFILE}#record`,
      "dct:identifier": event.id,
      "dct:created": event.createdAt,
      ...(event.subject === undefined
        ? {}
        : { "dpv:hasDataSubject": party("dpv:DataSubject", event.subject) }),
      "dpv:hasDataController": party("dpv:DataController", event.issuer),
      "dpv:hasNotice": { "@type": "dpv:ConsentNotice", "dct:source": event.target },
      "dpv:hasProcess": {
        "@type": "dpv:Process",
        "dpv:hasPurpose": { "@type": "dpv:Purpose", "dct:title": event.scope },
      },
      "dpv:hasConsentStatus": STATUS[recordedAs],
      "dpv:hasEvent": {
        "@type": "dpv:ConsentEvent",
        "dpv:hasConsentStatus": STATUS[recordedAs],
        "dpv:isIndicatedAtTime": event.createdAt,
        "dct:identifier": event.token,
        ...(event.delegate === undefined
          ? {}
          : { "dpv:isIndicatedBy": party("dpv:Representative", event.delegate) }),
        ...(event.source === undefined ? {} : { "dct:source": event.source }),
      },
    },
    ...proof,
  };
}

/** Subjects and issuers are URIs or plain texts, so both stand as identifiers. */
function party(type: string, identifier: string) {
  return { "@type": type, "dct:identifier": identifier };
}
