import { sha256 } from "@noble/hashes/sha2.js";
import canonicalize from "canonicalize";
import { base64UrlToBytes, bytesToBase64Url, bytesToHex, type Hex } from "./bytes.ts";
import { parseStrictJson } from "./strictJson.ts";

/** `typ` of the record: another way to make a digest would be another type. */
export const CONSENT_RECORD_TYPE = "holdfast.consent/1";
const SD_ALGORITHM = "sha-256";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** One field of a record. `salt`: base64url of 16 random bytes or more, drawn for this field alone. */
export type Disclosed = { salt: string; name: string; value: Json };

/** What the digests are made with; a server passes its native code, which gives the same. */
export type RecordCodec = {
  /** Of the text's UTF-8 bytes, without padding. */
  toBase64Url(text: string): string;
  /** Of an ASCII text; `hex` in lower case without 0x. */
  sha256(asciiText: string, encoding: "base64url" | "hex"): string;
};

export type DisclosureProblem = "notBase64Url" | "notJson" | "notSaltNameValue" | "reservedName";

/** A text is no disclosure. */
export class InvalidDisclosureError extends Error {
  override readonly name = "InvalidDisclosureError";
  readonly problem: DisclosureProblem;

  constructor(problem: DisclosureProblem) {
    super(`not a disclosure: ${problem}`);
    this.problem = problem;
  }
}

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Runs anywhere. */
export const portableCodec: RecordCodec = {
  toBase64Url: (text) => bytesToBase64Url(utf8.encode(text)),
  sha256(asciiText, encoding) {
    const digest = sha256(utf8.encode(asciiText));
    return encoding === "hex" ? bytesToHex(digest).slice(2) : bytesToBase64Url(digest);
  },
};

/**
 * A field as it is handed out: base64url of the RFC 8785 bytes of `[salt, name, value]`.
 * Source: RFC 9901 (SD-JWT) §4.2.1. @throws when `value` is no JSON, or holds a lone surrogate.
 */
export function encodeDisclosure({ salt, name, value }: Disclosed, codec = portableCodec): string {
  // Of strings, JSON.stringify and RFC 8785 make the same.
  const text =
    typeof value === "string" && value.isWellFormed() ? JSON.stringify(value) : canonicalize(value);
  if (text === undefined) throw new TypeError(`${name} is no JSON value`);
  return codec.toBase64Url(`["${salt}",${JSON.stringify(name)},${text}]`);
}

/**
 * What a disclosure says. Any JSON spelling is taken, as RFC 9901 has it: the digest is over the text as it was handed out.
 * @throws {InvalidDisclosureError} also for a name that RFC 9901 reserves, and for JSON that parseStrictJson refuses.
 */
export function decodeDisclosure(disclosure: string): Disclosed {
  const json = parseStrictJson(textOf(disclosure));
  if (!json.ok) throw new InvalidDisclosureError("notJson");
  const parts = json.value;
  if (!Array.isArray(parts) || parts.length !== 3) throw new InvalidDisclosureError("notSaltNameValue");
  const [salt, name, value] = parts as [unknown, unknown, Json];
  if (typeof salt !== "string" || typeof name !== "string")
    throw new InvalidDisclosureError("notSaltNameValue");
  if (name === "_sd" || name === "...") throw new InvalidDisclosureError("reservedName");
  return { salt, name, value };
}

/** Base64url of the SHA-256 of the disclosure's ASCII text (RFC 9901 §4.2.3). */
export function disclosureDigest(disclosure: string, codec = portableCodec): string {
  return codec.sha256(disclosure, "base64url");
}

/**
 * The record's digest, which is the content hash that gets anchored: SHA-256 over the RFC 8785 bytes of
 * `{ typ, _sd_alg, _sd }`, with `_sd` sorted by the ASCII order of its texts.
 * @param digests of every disclosure of the record, in any order.
 */
export function recordDigest(digests: readonly string[], codec = portableCodec): Hex {
  // Digests are base64url, and the members stand in RFC 8785's order: this is what canonicalize would write.
  const text = JSON.stringify({ _sd: digests.toSorted(), _sd_alg: SD_ALGORITHM, typ: CONSENT_RECORD_TYPE });
  return `0x${codec.sha256(text, "hex")}`;
}

function textOf(disclosure: string): string {
  try {
    return strictUtf8.decode(base64UrlToBytes(disclosure));
  } catch {
    throw new InvalidDisclosureError("notBase64Url");
  }
}
