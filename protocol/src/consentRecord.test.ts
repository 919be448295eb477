import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Disclosed,
  decodeDisclosure,
  disclosureDigest,
  encodeDisclosure,
  InvalidDisclosureError,
  type Json,
  portableCodec,
  type RecordCodec,
  recordDigest,
} from "./consentRecord.ts";

const nodeCodec: RecordCodec = {
  toBase64Url: (text) => Buffer.from(text).toString("base64url"),
  sha256: (text, encoding) => hash("sha256", text, encoding),
};
const salt = fc.uint8Array({ minLength: 16, maxLength: 32 }).map((b) => Buffer.from(b).toString("base64url"));
const text = fc.string({ unit: "binary" }).filter((value) => value.isWellFormed());
const json = fc.jsonValue({ stringUnit: "binary", maxDepth: 6 }).filter(isStrict) as fc.Arbitrary<Json>;
const field: fc.Arbitrary<Disclosed> = fc.record({
  salt,
  name: text.filter((name) => name !== "_sd" && name !== "..."),
  value: json,
});
const digests = fc.array(
  salt.map((value) => portableCodec.sha256(value, "base64url")),
  { maxLength: 30 },
);

/** What the strict reader of requests lets through, -0 apart, which JSON does not tell from 0. */
function isStrict(value: unknown): boolean {
  const written = JSON.stringify(value);
  return written.isWellFormed() && !/\\ud[89a-f]/i.test(written) && isSafe(value);
}
function isSafe(value: unknown): boolean {
  if (typeof value === "number") return Math.abs(value) <= Number.MAX_SAFE_INTEGER && !Object.is(value, -0);
  return typeof value !== "object" || value === null || Object.values(value).every(isSafe);
}

describe("protocol §7: the record digest", () => {
  test("a disclosure says what was disclosed, whatever that is", () => {
    fc.assert(
      fc.property(field, (disclosed) => {
        expect(decodeDisclosure(encodeDisclosure(disclosed))).toEqual(disclosed);
      }),
    );
  });

  test("a disclosure is written as RFC 8785 has it", () => {
    fc.assert(
      fc.property(field, ({ salt, name, value }) => {
        const written = Buffer.from(encodeDisclosure({ salt, name, value }), "base64url").toString();
        expect(written).toBe(canonicalize([salt, name, value]));
      }),
    );
  });

  test("it is SHA-256 over the RFC 8785 bytes of typ, _sd_alg and the sorted _sd", () => {
    fc.assert(
      fc.property(digests, (_sd) => {
        const bytes = canonicalize({ typ: "holdfast.consent/1", _sd_alg: "sha-256", _sd: _sd.toSorted() })!;
        expect(recordDigest(_sd)).toBe(`0x${hash("sha256", bytes)}`);
      }),
    );
  });

  test("the order in which disclosures are given does not change it", () => {
    fc.assert(
      fc.property(digests, (_sd) => {
        expect(recordDigest(_sd.toReversed())).toBe(recordDigest(_sd));
      }),
    );
  });

  test("a server's native code makes the same of everything", () => {
    fc.assert(
      fc.property(field, digests, (disclosed, _sd) => {
        const disclosure = encodeDisclosure(disclosed);
        expect(encodeDisclosure(disclosed, nodeCodec)).toBe(disclosure);
        expect(disclosureDigest(disclosure, nodeCodec)).toBe(disclosureDigest(disclosure));
        expect(recordDigest(_sd, nodeCodec)).toBe(recordDigest(_sd));
      }),
    );
  });

  test("a disclosure's digest is RFC 9901's own example (§4.2.3)", () => {
    expect(disclosureDigest("WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0")).toBe(
      "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
    );
  });

  test.each([
    ["no base64url", "W10=", "notBase64Url"],
    ["no UTF-8", Buffer.of(0x22, 0xff, 0x22).toString("base64url"), "notBase64Url"],
    ["no JSON", encode("["), "notJson"],
    ["a member named twice", encode('["s","n",{"a":1,"a":2}]'), "notJson"],
    ["no array", encode("{}"), "notSaltNameValue"],
    ["an array element's disclosure (RFC 9901 §4.2.2)", encode('["s","v"]'), "notSaltNameValue"],
    ["a salt that is no text", encode('[1,"n",2]'), "notSaltNameValue"],
    ["a reserved name", encode('["s","_sd",[]]'), "reservedName"],
  ])("%s is no disclosure", (_what, disclosure, problem) => {
    expect(() => decodeDisclosure(disclosure)).toThrow(new InvalidDisclosureError(problem as never));
  });
});

function encode(value: string): string {
  return Buffer.from(value).toString("base64url");
}
