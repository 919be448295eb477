import { parseStrictJson } from "#protocol/strictJson.ts";
import { claimsAround } from "./answerClaims.ts";
import type { DisclosedRecord } from "./checkRecord.ts";
import type { Claim } from "./claims.ts";
import {
  claimsOfDpv,
  claimsOfEvent,
  claimsOfJwt,
  claimsOfKantara,
  claimsOfRecord,
} from "./consentFormats.ts";
import { isJwt, type Jwt, readJwt } from "./jwt.ts";
import type { Statement } from "./verification.ts";

/**
 * What a file gives to check: a receipt, and of a consent what was handed out of its record, what is said of it in plain
 * sight, and the JWT around them. `receipt` is null when none could be read, and undefined when there is none yet.
 */
export type FileContent = { receipt: unknown; record?: DisclosedRecord; claims?: Claim[]; jwt?: Jwt };

/** The whole thread of a consent, the oldest record first, and what stands around it, which nothing proves. */
export type HistoryContent = {
  history: FileContent[];
  /** The service's own statement of how many records there are; undefined when the file has none. */
  statement: Jwt | undefined;
  notProven: Statement[];
};

/** What stands beside a receipt and is looked at for itself. */
const MEMBERS_OF_PROOF = ["receipt", "record", "event", "disclosures", "_sd"];

/**
 * What is to be checked in a file's bytes: a receipt itself, an answer of GET /v1/verify with one, a consent
 * `{receipt, disclosures, _sd}`, also inside of an answer's `data`, a consent receipt as JWT, Kantara 1.1 or DPV, or a history
 * `{records}`. The receipt is null when the bytes are no UTF-8, no JSON, or JSON that two readers could read differently; then they are
 * no receipt. So is an answer that speaks of another hash than the receipt in it, or says that nothing is verified. A valid receipt must not lend
 * credit to anything else around it either: all of it is in `claims`.
 */
export function contentOfFile(bytes: Uint8Array): FileContent | HistoryContent {
  const text = textOf(bytes).trim();
  if (isJwt(text)) return contentOfJwt(text);
  const parsed = parseStrictJson(text);
  if (!parsed.ok) return { receipt: null };
  const { value, around } = unwrapped(parsed.value);
  if (isObject(value) && Array.isArray(value.records)) return contentOfHistory(value, value.records, around);
  const content = contentOf(value);
  return { ...content, claims: [...(content.claims ?? []), ...claimsAround(around, [])] };
}

function contentOf(value: unknown): FileContent {
  if (!isObject(value)) return { receipt: value };
  if (isJwt(value.receipt)) return contentOfJwt(value.receipt, claimsAround(value, ["receipt"]));
  if (value.version === "KI-CR-v1.1.0") return contentOfConsentReceipt(value, claimsOfKantara(value));
  if (value["@type"] === "dpv:ConsentReceipt") return contentOfConsentReceipt(value, claimsOfDpv(value));
  if (!("receipt" in value) || ("anchor" in value && "proof" in value)) return { receipt: value };
  const receipt = isAbout(value, value.receipt) ? value.receipt : null;
  if (!speaksOfConsent(value)) return { receipt, claims: claimsAround(value, MEMBERS_OF_PROOF) };
  return { ...contentOfEntry(value), receipt: value.receipt === null ? undefined : receipt };
}

function contentOfHistory(value: Members, records: unknown[], around: Members): HistoryContent {
  const { records: _records, statement, ...beside } = value;
  const notProven = Object.entries({ ...around, ...beside }).map(([name, said]) => ({ name, value: said }));
  const jwt = isJwt(statement) ? readJwt(statement) : null;
  return { history: records.map(contentOfEntry), statement: jwt ?? undefined, notProven };
}

function contentOfEntry(value: unknown): FileContent {
  if (!isObject(value)) return { receipt: value };
  const claims = [
    ...claimsOfEvent(value.event),
    ...claimsOfRecord(value.record),
    ...claimsAround(value, MEMBERS_OF_PROOF),
  ];
  return { receipt: value.receipt ?? undefined, record: recordOf(value), claims };
}

function contentOfJwt(text: string, beside: Claim[] = []): FileContent {
  const jwt = readJwt(text);
  if (jwt === null || !isObject(jwt.payload)) return { receipt: null };
  const claims = [...claimsOfJwt(jwt.payload, jwt.header.kid), ...beside];
  return { ...contentOfConsentReceipt(jwt.payload, claims), jwt };
}

/** The formats of consent receipts carry the proof alike: the hash receipt, and what ties it to the record. */
function contentOfConsentReceipt(value: Members, claims: Claim[]): FileContent {
  return { receipt: value.anchor ?? undefined, record: recordOf(value), claims };
}

function recordOf(value: Members): DisclosedRecord {
  return { disclosures: value.disclosures ?? [], _sd: value._sd };
}

/** Whoever says something of a consent must show its record too, which alone bears it out. */
function speaksOfConsent(value: Members): boolean {
  return "_sd" in value || "disclosures" in value || (value.record ?? value.event ?? null) !== null;
}

/** `around`: what stands beside of `data`. */
function unwrapped(value: unknown): { value: unknown; around: Members } {
  if (!isObject(value) || !isObject(value.data)) return { value, around: {} };
  const { data, ...around } = value;
  return "receipt" in data || "records" in data ? { value: data, around } : { value, around: {} };
}

function isAbout(answer: Members, receipt: unknown): boolean {
  if (answer.verified === false || !isObject(receipt)) return false;
  return answer.hash === undefined || lowerCase(answer.hash) === lowerCase(receipt.hash);
}

type Members = Record<string, unknown>;

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function lowerCase(hash: unknown): unknown {
  return typeof hash === "string" ? hash.toLowerCase() : hash;
}

/** An empty text, which is no JSON, when the bytes are no UTF-8. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return "";
  }
}
