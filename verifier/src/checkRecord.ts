import { base64UrlToBytes } from "#protocol/bytes.ts";
import {
  decodeDisclosure,
  disclosureDigest,
  InvalidDisclosureError,
  recordDigest,
} from "#protocol/consentRecord.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import type { Warning } from "./reason.ts";
import { type Check, type DisclosedField, failed, passed, unchecked } from "./verification.ts";

/** What was handed out of a consent record: `_sd` whole, and of its disclosures any choice. */
export type DisclosedRecord = { disclosures: unknown; _sd: unknown };

/** `disclosed`: what is proven to stand in the record; nothing as soon as one check has failed. */
export type RecordFindings = { checks: Check[]; disclosed: DisclosedField[]; warnings: Warning[] };

const SHA256_BYTES = 32;
/** Server and chain may tell the time this differently: some rollups' blocks are a day late. */
export const CLOCKS_APART_MS = 86_400_000;

/** That each disclosure belongs to the record, and that the receipt is of this record's digest (protocol §7, RFC 9901 §7.1). */
export function checkRecord({ disclosures, _sd }: DisclosedRecord, receipt: AnchorReceipt): RecordFindings {
  const digests = digestsOf(_sd);
  if (digests === null) {
    const record = failed("record", "notARecord", "_sd", "not a list of different SHA-256 digests");
    return { checks: [record, unchecked("disclosures", "notReached")], disclosed: [], warnings: [] };
  }
  const record = checkDigest(digests, receipt);
  const read = readDisclosures(disclosures, new Set(digests));
  const isProven = record.outcome === "passed" && read.check.outcome === "passed";
  return {
    checks: [record, read.check, ...checkCreated(read.fields, receipt)],
    disclosed: isProven ? read.fields : [],
    warnings: isLongBefore(read.fields, receipt) ? ["createdLongBefore"] : [],
  };
}

function isLongBefore(fields: DisclosedField[], { anchor }: AnchorReceipt): boolean {
  const created = fields.find(({ name }) => name === "created")?.value;
  return Date.parse(String(created)) < anchor.blockTimestamp * 1_000 - CLOCKS_APART_MS;
}

/** What is anchored was there before; when it was made is else the word of whoever made it. No check when the time is not disclosed. */
function checkCreated(fields: DisclosedField[], { anchor }: AnchorReceipt): Check[] {
  const created = fields.find(({ name }) => name === "created")?.value;
  if (created === undefined) return [];
  const latestMs = anchor.blockTimestamp * 1_000 + CLOCKS_APART_MS;
  if (typeof created === "string" && Date.parse(created) <= latestMs) return [passed("created")];
  return [failed("created", "createdAfterBlock", created, `the block of second ${anchor.blockTimestamp}`)];
}

function checkDigest(digests: string[], receipt: AnchorReceipt): Check {
  const digest = recordDigest(digests);
  if (digest === receipt.hash.toLowerCase()) return passed("record");
  return failed("record", "recordDigestMismatch", receipt.hash, digest);
}

/** `fields` is empty unless the check passed. */
export function readDisclosures(disclosures: unknown, digests: Set<string>) {
  const fields: DisclosedField[] = [];
  const refuse = (reason: "notADisclosure" | "disclosureNotInRecord", place: number, found: string) => ({
    check: failed("disclosures", reason, `disclosures[${place}]`, found),
    fields: [],
  });
  if (!Array.isArray(disclosures)) return refuse("notADisclosure", 0, "no list");
  const names = new Set<string>();
  for (const [place, disclosure] of disclosures.entries()) {
    const field = readDisclosure(disclosure);
    if (typeof field === "string") return refuse("notADisclosure", place, field);
    if (names.has(field.name)) return refuse("notADisclosure", place, "a name that stood before");
    names.add(field.name);
    const digest = disclosureDigest(disclosure as string);
    if (!digests.has(digest)) return refuse("disclosureNotInRecord", place, digest);
    fields.push(field);
  }
  return { check: passed("disclosures"), fields };
}

/** A text when it is none: why. */
function readDisclosure(disclosure: unknown): DisclosedField | string {
  if (typeof disclosure !== "string") return "no text";
  try {
    const { name, value } = decodeDisclosure(disclosure);
    return { name, value };
  } catch (error) {
    if (error instanceof InvalidDisclosureError) return error.problem;
    throw error;
  }
}

/** Null for anything but a list of digests, each once. */
export function digestsOf(sd: unknown): string[] | null {
  if (!Array.isArray(sd) || !sd.every(isDigest)) return null;
  return new Set(sd).size === sd.length ? sd : null;
}

function isDigest(text: unknown): text is string {
  try {
    return typeof text === "string" && base64UrlToBytes(text).length === SHA256_BYTES;
  } catch {
    return false;
  }
}
