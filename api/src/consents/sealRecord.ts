import { hash, randomFillSync } from "node:crypto";
import {
  type Disclosed,
  decodeDisclosure,
  disclosureDigest,
  encodeDisclosure,
  type RecordCodec,
  recordDigest,
} from "#protocol/consentRecord.ts";
import type { RecordFields } from "./recordFields.ts";

/** RFC 9901 §9.3 recommends 128 bits. */
const SALT_BYTES = 16;
/** Random bytes are drawn for this many salts at once: a draw per salt costs more than all else of one. */
const SALTS_PER_DRAW = 256;
/** Stands between disclosures in a column, as in an SD-JWT (RFC 9901 §4); base64url has none. */
const SEPARATOR = "~";

/** The same digests as protocol's portable code, several times as fast. */
export const nodeCodec: RecordCodec = {
  toBase64Url: (text) => Buffer.from(text).toString("base64url"),
  sha256: (asciiText, encoding) => hash("sha256", asciiText, encoding),
};

/** A record as it is stored: disclosures joined, and the digest over all of them as 64 hex digits. */
export type SealedRecord = { lasting: string; personal: string | null; recordDigest: string };

/** Salts every field and makes the record's digest. */
export function sealRecord({ lasting, personal }: RecordFields): SealedRecord {
  const lastingDisclosures = lasting.map(disclose);
  const personalDisclosures = personal.map(disclose);
  const digests = [...lastingDisclosures, ...personalDisclosures].map(digestOf);
  return {
    lasting: lastingDisclosures.join(SEPARATOR),
    personal: personalDisclosures.length === 0 ? null : personalDisclosures.join(SEPARATOR),
    recordDigest: recordDigest(digests, nodeCodec).slice(2),
  };
}

/** What is handed out of a stored record. `sd`: the digests of all disclosures, erased ones too, sorted. */
export type OpenedRecord = { disclosures: string[]; sd: string[]; fields: Disclosed[] };

export function openRecord(
  stored: Pick<SealedRecord, "lasting" | "personal"> & { personalDigests: string | null },
): OpenedRecord {
  const disclosures = disclosuresOf(stored);
  const sd = [...disclosures.map(digestOf), ...split(stored.personalDigests)].sort();
  return { disclosures, sd, fields: openFields(stored) };
}

/** What is left of a stored record's fields, for whoever needs no digests. */
export function openFields(stored: Pick<SealedRecord, "lasting" | "personal">): Disclosed[] {
  return disclosuresOf(stored).map(decodeDisclosure);
}

function disclosuresOf({ lasting, personal }: Pick<SealedRecord, "lasting" | "personal">): string[] {
  return [...split(lasting), ...split(personal)];
}

/** What an erasure puts in the place of personal disclosures: their digests. */
export function digestsOfErased(personal: string | null): string | null {
  return personal === null ? null : split(personal).map(digestOf).join(SEPARATOR);
}

function split(joined: string | null): string[] {
  return joined === null ? [] : joined.split(SEPARATOR);
}

function disclose([name, value]: RecordFields["lasting"][number]): string {
  return encodeDisclosure({ salt: newSalt(), name, value }, nodeCodec);
}

function digestOf(disclosure: string): string {
  return disclosureDigest(disclosure, nodeCodec);
}

const pool = Buffer.alloc(SALTS_PER_DRAW * SALT_BYTES);
let drawn = pool.length;

function newSalt(): string {
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  drawn += SALT_BYTES;
  return pool.toString("base64url", drawn - SALT_BYTES, drawn);
}
