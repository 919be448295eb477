import type { AnchorReceipt } from "../receipt.ts";

/** What an event is recorded as (protocol §7): a decline while a grant stands is its withdrawal. */
export type RecordedAction = "grant" | "decline" | "withdraw" | "none";

/** Signatu's consent event (SG-1). Members that were not given, or that an erasure took, are absent. */
export type ConsentEvent = {
  /** 64 hex digits: the record digest. */
  id: string;
  scope: string;
  subject?: string;
  issuer: string;
  target: string;
  source?: string;
  delegate?: string;
  /** Accepted, declined or withdrawn, nothing done. */
  action: boolean | null;
  /** Six of A to Z and 0 to 9, to be read out; not unique. */
  token: string;
  /** ISO 8601 with milliseconds, UTC. */
  createdAt: string;
};

/** What ties a consent receipt to the chain. `_sd`: digests of all disclosures of the record. */
export type EventProof = {
  anchor: AnchorReceipt;
  disclosures: string[];
  _sd: string[];
  /** Compact JWS of the service: that it recorded the record. Absent where it has made none. */
  origin?: string;
};

/** What a consent receipt is made of. `proof` is null until the event is anchored. `publicUrl`: origin of the issuing service. */
export type ConsentReceiptInput = {
  event: ConsentEvent;
  recordedAs: RecordedAction;
  publicUrl: string;
  proof: EventProof | null;
};

/** Accepted, declined or withdrawn, nothing done. */
export function eventAction(recordedAs: RecordedAction): boolean | null {
  return recordedAs === "none" ? null : recordedAs === "grant";
}

/** Where the consent receipts of a service are served. */
export function consentReceiptsUrl(publicUrl: string): string {
  return `${publicUrl}/consent/v0`;
}
