import { type ConsentReceiptInput, consentReceiptsUrl } from "./consentEvent.ts";
import { DPV_PROFILE, DPV_STATUS, dpvParty } from "./dpvReceipt.ts";

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

/**
 * The DPV receipt as it was first issued. Its record claims a profile and lacks mandatory fields,
 * and DPV has no `dpv:hasEvent` and no `dpv:ConsentEvent`. It is no longer issued. Verifiers make
 * it anew, so that receipts in this form stay valid.
 */
export function dpvReceiptFirstForm({
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
    "dct:conformsTo": `${DPV_PROFILE}#receipt`,
    "dct:identifier": event.id,
    "dct:created": event.createdAt,
    "dct:publisher": { "@id": publicUrl },
    "dpv:hasRecordOfActivity": {
      "@id": `${receiptUrl}#record`,
      "@type": "dpv:ConsentRecord",
      "dct:conformsTo": `${DPV_PROFILE}#record`,
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
      "dpv:hasConsentStatus": DPV_STATUS[recordedAs],
      "dpv:hasEvent": {
        "@type": "dpv:ConsentEvent",
        "dpv:hasConsentStatus": DPV_STATUS[recordedAs],
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
