import { parseStrictJson, type StrictJsonProblem } from "#protocol/strictJson.ts";
import { claimsAround } from "./answerClaims.ts";
import type { ClaimedOrigin } from "./checkOrigin.ts";
import type { DisclosedRecord } from "./checkRecord.ts";
import type { Claim } from "./claims.ts";
import {
  claimsBeside,
  claimsOfDpv,
  claimsOfEvent,
  claimsOfJwt,
  claimsOfKantara,
  claimsOfRecord,
} from "./consentFormats.ts";
import { isJwt, type Jwt, readJwt } from "./jwt.ts";
import { adviceForBytes, adviceForJson, adviceForText } from "./knownFiles.ts";
import type { PdfFacts } from "./pdfFacts.ts";
import type { Statement } from "./verification.ts";

/**
 * What a file gives to check: a receipt, and of a consent what was handed out of its record, what is said of it in plain
 * sight, the statement of its origin, and the JWT around them. `receipt` is null when what stands in its place is none, and
 * undefined when there is none yet.
 */
export type FileContent = {
  receipt: unknown;
  record?: DisclosedRecord;
  claims?: Claim[];
  origin?: ClaimedOrigin;
  jwt?: Jwt;
  pdf?: PdfFacts;
};

/** The whole thread of a consent, the oldest record first, and what stands around it, which nothing proves. */
export type HistoryContent = {
  history: FileContent[];
  /** The service's own statement of how many records there are; undefined when the file has none. */
  statement: Jwt | undefined;
  notProven: Statement[];
};

/** What stands beside a receipt and is looked at for itself. */
const MEMBERS_OF_PROOF = ["receipt", "record", "event", "disclosures", "_sd", "origin"];
/** What only answers about consents have. A file with one of them says more than that a hash existed. */
const CONSENT_MEMBERS = [
  "record",
  "event",
  "disclosures",
  "_sd",
  "origin",
  "consent_token",
  "consentToken",
  "consent_type",
  "proof_hash",
  "proofHash",
  "record_sha256",
  "receipt_id",
  "visitor_id",
  "decision",
  "categories",
];
/** So many of them make an object a receipt, though perhaps no good one. */
const RECEIPT_MEMBERS = ["hash", "merkleRoot", "proof", "anchor", "signature", "publicKey", "kid"];
const RECEIPT_MEMBERS_MIN = 3;
/** A history of a thousand records takes some megabytes; whoever packed more wants to fill our memory. */
export const FILE_BYTES_MAX = 67_108_864;
const RECORDS_MAX = 10_000;

/** Why a file gives nothing to check, with what to do about it: a sentence for people. */
export class UnreadableFileError extends Error {
  override readonly name = "UnreadableFileError";
}

/**
 * Content to check in the bytes of a file that is not a PDF: a receipt itself, an answer of GET /v1/verify with one, a consent
 * `{receipt, disclosures, _sd, origin}`, also inside of an answer's `data`, a consent receipt as JWT, Kantara 1.1 or DPV, or a
 * history `{records}`. The receipt is null in an answer that speaks of another hash than the receipt in it, or says that nothing is
 * verified. A valid receipt must not lend credit to anything else around it either: all of it is in `claims`.
 * @throws {UnreadableFileError} for anything else, also for JSON that two readers could read differently.
 */
export function contentOfFile(bytes: Uint8Array): FileContent | HistoryContent {
  if (bytes.length > FILE_BYTES_MAX) throw new UnreadableFileError("The file is too large for a receipt.");
  const text = textOf(bytes).trim();
  if (isJwt(text)) return contentOfJwt(text);
  const json = theOnly(jsonOf(text));
  if (isJwt(json)) return contentOfJwt(json);
  const { value, around } = unwrapped(json);
  if (isObject(value) && Array.isArray(value.records)) return contentOfHistory(value, value.records, around);
  const content = contentOf(value);
  const claims = [...(content.claims ?? []), ...claimsBeside(around, [])];
  const said = [value, around, content.receipt, isObject(value) ? value.data : null];
  const speaks = said.some((one) => isObject(one) && speaksOfConsent(one));
  // Then a hash's existence is not what the file is about: without its record the origin stays unproven.
  return speaks && content.origin === undefined
    ? { ...content, claims, origin: { statement: undefined } }
    : { ...content, claims };
}

const JSON_PROBLEMS: Record<Exclude<StrictJsonProblem, "syntax">, string> = {
  duplicateMember: "The file names a member twice, so that two readers could read it differently",
  loneSurrogate: "The file holds half of a character",
  unsafeInteger: "The file holds a number that not every reader can read",
  tooDeep: "The file is nested too deeply for a receipt",
};

function jsonOf(text: string): unknown {
  const parsed = parseStrictJson(text);
  if (parsed.ok) return parsed.value;
  if (parsed.problem !== "syntax") {
    const where = parsed.member === null ? "" : ` (${parsed.member})`;
    throw new UnreadableFileError(`${JSON_PROBLEMS[parsed.problem]}${where}.`);
  }
  throw new UnreadableFileError(adviceForText(text) ?? adviceForBrokenText(text));
}

function adviceForBrokenText(text: string): string {
  if (text === "") return "The file is empty: get it again.";
  if (/^[[{]/.test(text)) return "The file is no whole JSON, or more than one: get it again.";
  return "This is no receipt: give a receipt as JSON, JWT or PDF.";
}

function contentOf(value: unknown): FileContent {
  if (!isObject(value)) throw unknownJson(value);
  if (isJwt(value.receipt)) return contentOfJwt(value.receipt, claimsBeside(value, ["receipt"]));
  if (isJsonText(value.receipt)) return contentOf({ ...value, receipt: jsonOf(value.receipt) });
  if (value.version === "KI-CR-v1.1.0") return contentOfConsentReceipt(value, claimsOfKantara(value));
  if (value["@type"] === "dpv:ConsentReceipt") return contentOfConsentReceipt(value, claimsOfDpv(value));
  if (!("receipt" in value) || ("anchor" in value && "proof" in value)) return receiptItself(value);
  if (value.receipt === null && !holdsRecord(value)) return { receipt: undefined };
  const receipt = isAbout(value, value.receipt) ? value.receipt : null;
  if (!holdsRecord(value)) return { receipt, claims: claimsAround(value, MEMBERS_OF_PROOF) };
  return { ...contentOfEntry(value), receipt: value.receipt === null ? undefined : receipt };
}

function receiptItself(value: Members): FileContent {
  const known = RECEIPT_MEMBERS.filter((name) => Object.hasOwn(value, name));
  if (known.length < RECEIPT_MEMBERS_MIN) throw unknownJson(value);
  return { receipt: value };
}

function unknownJson(value: unknown): UnreadableFileError {
  return new UnreadableFileError(
    adviceForJson(value) ?? "This JSON holds no receipt: give the receipt's own file.",
  );
}

/** A cell of a table that an export of receipts was read into. */
function isJsonText(value: unknown): value is string {
  return typeof value === "string" && value.trimStart().startsWith("{");
}

function contentOfHistory(value: Members, records: unknown[], around: Members): HistoryContent {
  const { records: _records, statement, ...beside } = value;
  const notProven = Object.entries({ ...around, ...beside }).map(([name, said]) => ({ name, value: said }));
  const jwt = isJwt(statement) ? readJwt(statement) : null;
  if (records.length > RECORDS_MAX)
    throw new UnreadableFileError(`The history holds more than ${RECORDS_MAX} records: check it in parts.`);
  const history = records.map((record) => ofConsentReceipts(contentOfEntry(record)));
  return { history, statement: jwt ?? undefined, notProven };
}

function contentOfEntry(value: unknown): FileContent {
  if (!isObject(value)) return { receipt: value };
  const claims = [
    ...claimsOfEvent(value.event),
    ...claimsOfRecord(value.record),
    ...claimsAround(value, MEMBERS_OF_PROOF),
  ];
  const origin = { statement: value.origin };
  return { receipt: value.receipt ?? undefined, record: recordOf(value), origin, claims };
}

/** The format tells which surface the record is of. */
function ofConsentReceipts(content: FileContent): FileContent {
  if (content.origin === undefined) return content;
  return { ...content, origin: { ...content.origin, kind: "consent-receipts" } };
}

function contentOfJwt(text: string, beside: Claim[] = []): FileContent {
  const jwt = readJwt(text);
  if (jwt === null || !isObject(jwt.payload))
    throw new UnreadableFileError("This looks like a JWT and is none that can be read: get it again.");
  if (!("anchor" in jwt.payload || "signatu" in jwt.payload))
    throw new UnreadableFileError("This is a JWT of another kind than a consent receipt.");
  const claims = [...claimsOfJwt(jwt.payload, jwt.header.kid), ...beside];
  return { ...contentOfConsentReceipt(jwt.payload, claims), jwt };
}

/** The formats of consent receipts carry the proof alike: the hash receipt, and what ties it to the record. */
function contentOfConsentReceipt(value: Members, claims: Claim[]): FileContent {
  const origin = { statement: value.origin };
  return ofConsentReceipts({ receipt: value.anchor ?? undefined, record: recordOf(value), origin, claims });
}

function recordOf(value: Members): DisclosedRecord {
  return { disclosures: value.disclosures ?? [], _sd: value._sd };
}

/** Whoever shows a record, or something of one, must show what ties it to the receipt. */
function holdsRecord(value: Members): boolean {
  const said = value.record ?? value.event ?? value.origin ?? null;
  return "_sd" in value || "disclosures" in value || said !== null;
}

function speaksOfConsent(value: Members): boolean {
  return CONSENT_MEMBERS.some((name) => Object.hasOwn(value, name) && value[name] !== null);
}

/** A query for one row often gives a list of it. */
function theOnly(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
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

/** Text as programs save it: UTF-8, and UTF-16 where a byte order mark says so, as PowerShell writes it. */
function textOf(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  const advice = adviceForBytes(bytes);
  if (advice !== null) throw new UnreadableFileError(advice);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableFileError("The file is no text: give a receipt as JSON, JWT or PDF.");
  }
}
