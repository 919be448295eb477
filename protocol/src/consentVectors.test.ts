import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import { describe, expect, test } from "vitest";
import { hasPython, recomputeInPython } from "#test/support/python.ts";
import vectors from "../../test/vectors/consent-records.json" with { type: "json" };
import {
  decodeDisclosure,
  disclosureDigest,
  encodeDisclosure,
  type Json,
  recordDigest,
} from "./consentRecord.ts";

describe("protocol §7: our published vectors of consent records", () => {
  test.each(vectors.records.map((record) => [record.name, record] as const))("%s", (_name, record) => {
    for (const { salt, name, value, disclosure, digest } of record.disclosures) {
      expect(encodeDisclosure({ salt, name, value: value as Json })).toBe(disclosure);
      expect(decodeDisclosure(disclosure)).toEqual({ salt, name, value });
      expect(disclosureDigest(disclosure)).toBe(digest);
    }
    expect(recordDigest(record.disclosures.map(({ digest }) => digest))).toBe(`0x${record.record_digest}`);
    // The recipe of test/vectors/README.md, word for word.
    const { typ, _sd_alg } = vectors;
    expect(hash("sha256", canonicalize({ typ, _sd_alg, _sd: record._sd })!)).toBe(record.record_digest);
  });

  if (!hasPython) test.skip("protocol §7 by another implementation is NOT proved: install python3");

  test.runIf(hasPython)("another implementation, in another language, comes to the same digests", () => {
    expect(recomputeInPython(vectors)).toEqual(vectors.records.map((record) => record.record_digest));
  });

  test.runIf(hasPython)("and finds what does not fit", () => {
    const changed = structuredClone(vectors);
    changed.records[2]!.disclosures[0]!.value = "another";
    expect(() => recomputeInPython(changed)).toThrow("does not fit");
    const wrong = structuredClone(vectors);
    wrong.records[1]!.record_digest = "00".repeat(32);
    expect(() => recomputeInPython(wrong)).toThrow("does not fit");
  });
});
