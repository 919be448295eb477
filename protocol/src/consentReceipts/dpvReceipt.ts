import { type ConsentReceiptInput, consentReceiptsUrl, type RecordedAction } from "./consentEvent.ts";

/** Prefixes stand in the document: whoever reads it needs nothing from elsewhere. */
const CONTEXT = {
  dpv: "https://w3id.org/dpv#",
  dct: "http://purl.org/dc/terms/",
  xsd: "http://www.w3.org/2001/XMLSchema#",
  "dct:created": { "@type": "xsd:dateTime" },
  "dct:conformsTo": { "@type": "@id" },
  "dct:source": { "@type": "xsd:string" },
  "dpv:isIndicatedAtTime": { "@type": "xsd:dateTime" },
};

/** Namespace of the profiles of ISO/IEC TS 27560:2023. */
export const DPV_PROFILE = "https://w3id.org/dpv/schema/dpv-27560";

/** Terms of DPV 2 for what somebody did; a decline and a withdrawal are two things there. */
export const DPV_STATUS = {
  grant: "dpv:ConsentGiven",
  decline: "dpv:ConsentRefused",
  withdraw: "dpv:ConsentWithdrawn",
  none: "dpv:ConsentUnknown",
} as const satisfies Record<RecordedAction, string>;

/**
 * A consent receipt in JSON-LD with the W3C Data Privacy Vocabulary (SG-10). It claims the receipt
 * profile of ISO/IEC TS 27560:2023. The record in it claims none: the record profile demands more
 * than an event tells, such as recipients, storage and jurisdiction. Once anchored, the receipt
 * carries the hash receipt as JSON.
 * Source: DPVCG, "Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV", §8.5
 * (event) and §9 (receipt).
 */
export function dpvReceipt({
  event,
  recordedAs,
  publicUrl,
  proof,
}: ConsentReceiptInput): Record<string, unknown> {
  const receiptUrl = `${consentReceiptsUrl(publicUrl)}/consents/${event.id}/receipt`;
  return {
    "@context": { ...CONTEXT, ...proofTerms(publicUrl) },
    "@id": receiptUrl,
    "@type": "dpv:ConsentReceipt",
    "dct:conformsTo": `${DPV_PROFILE}#receipt`,
    "dpv:hasIdentifier": event.id,
    "dct:identifier": event.id,
    "dct:created": event.createdAt,
    "dct:publisher": { "@id": publicUrl },
    "dpv:hasRecordOfActivity": {
      "@id": `${receiptUrl}#record`,
      "@type": "dpv:ConsentRecord",
      "dct:identifier": event.id,
      "dct:created": event.createdAt,
      ...(event.subject === undefined
        ? {}
        : { "dpv:hasDataSubject": dpvParty("dpv:DataSubject", event.subject) }),
      "dpv:hasDataController": dpvParty("dpv:DataController", event.issuer),
      "dpv:hasNotice": { "@type": "dpv:ConsentNotice", "dct:source": event.target },
      "dpv:hasProcess": {
        "@type": "dpv:Process",
        "dpv:hasPurpose": { "@type": "dpv:Purpose", "dct:title": event.scope },
      },
      "dpv:hasConsentStatus": {
        "@type": DPV_STATUS[recordedAs],
        "dpv:isIndicatedAtTime": event.createdAt,
        "dct:identifier": event.token,
        ...(event.delegate === undefined
          ? {}
          : { "dpv:isIndicatedBy": dpvParty("dpv:Representative", event.delegate) }),
        ...(event.source === undefined ? {} : { "dct:source": event.source }),
      },
    },
    ...proof,
  };
}

/**
 * The members of the proof are JSON literals: no JSON-LD processor reads statements out of them,
 * whatever a file puts there. `anchor` is the whole hash receipt, which has an `anchor` of its
 * own, so the two have different IRIs.
 */
function proofTerms(publicUrl: string) {
  const literal = (name: string) => ({ "@id": `${publicUrl}/receipt/v1#${name}`, "@type": "@json" });
  // Without @set, a processor that compacts makes a list of one its only element.
  const list = (name: string) => ({ ...literal(name), "@container": "@set" });
  return {
    anchor: literal("anchorReceipt"),
    disclosures: list("disclosures"),
    _sd: list("sd"),
    origin: literal("origin"),
  };
}

/** Subjects and issuers are URIs or plain texts, so both stand as identifiers. */
export function dpvParty(type: string, identifier: string) {
  return { "@type": type, "dct:identifier": identifier };
}
