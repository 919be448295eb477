import { parseStrictJson } from "#protocol/strictJson.ts";
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

/**
 * What a file gives to check: a receipt, and of a consent what was handed out of its record, what is said of it in plain
 * sight, and the JWT around them. `receipt` is null when none could be read, and undefined when there is none yet.
 */
export type FileContent = { receipt: unknown; record?: DisclosedRecord; claims?: Claim[]; jwt?: Jwt };

/** The whole thread of a consent, the oldest record first. */
export type HistoryContent = { history: FileContent[] };

/**
 * What is to be checked in a file's bytes: a receipt itself, an answer of GET /v1/verify with one, a consent
 * `{receipt, disclosures, _sd}`, also inside of an answer's `data`, a consent receipt as JWT, Kantara 1.1 or DPV, or a history
 * `{records}`. The receipt is null when the bytes are no UTF-8, no JSON, or JSON that two readers could read differently; then they are
 * no receipt. So is an answer that speaks of another hash than the receipt in it, or says that nothing is verified: a valid receipt must not lend it credit.
 */
export function contentOfFile(bytes: Uint8Array): FileContent | HistoryContent {
  const text = textOf(bytes).trim();
  if (isJwt(text)) return contentOfJwt(text);
  const parsed = parseStrictJson(text);
  if (!parsed.ok) return { receipt: null };
  const value = unwrapped(parsed.value);
  if (isObject(value) && Array.isArray(value.records)) return { history: value.records.map(contentOfEntry) };
  return contentOf(value);
}

function contentOf(value: unknown): FileContent {
  if (!isObject(value)) return { receipt: value };
  if (isJwt(value.receipt)) return contentOfJwt(value.receipt);
  if (value.version === "KI-CR-v1.1.0") return contentOfConsentReceipt(value, claimsOfKantara(value));
  if (value["@type"] === "dpv:ConsentReceipt") return contentOfConsentReceipt(value, claimsOfDpv(value));
  if (!("receipt" in value) || ("anchor" in value && "proof" in value)) return { receipt: value };
  const receipt = isAbout(value, value.receipt) ? value.receipt : null;
  if (!("_sd" in value || "disclosures" in value)) return { receipt };
  if (value.receipt === null) return { receipt: undefined };
  return { receipt, record: recordOf(value), claims: claimsOfRecord(value.record) };
}

function contentOfEntry(value: unknown): FileContent {
  if (!isObject(value)) return { receipt: value };
  const claims = [...claimsOfEvent(value.event), ...claimsOfRecord(value.record)];
  return { receipt: value.receipt ?? undefined, record: recordOf(value), claims };
}

function contentOfJwt(text: string): FileContent {
  const jwt = readJwt(text);
  if (jwt === null || !isObject(jwt.payload)) return { receipt: null };
  return { ...contentOfConsentReceipt(jwt.payload, claimsOfJwt(jwt.payload)), jwt };
}

/** The formats of consent receipts carry the proof alike: the hash receipt, and what ties it to the record. */
function contentOfConsentReceipt(value: Members, claims: Claim[]): FileContent {
  return { receipt: value.anchor ?? undefined, record: recordOf(value), claims };
}

function recordOf(value: Members): DisclosedRecord {
  return { disclosures: value.disclosures ?? [], _sd: value._sd };
}

function unwrapped(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.data)) return value;
  return "receipt" in value.data || "records" in value.data ? value.data : value;
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
