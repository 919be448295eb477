import { ObjectIdentifier, OctetString, Sequence } from "asn1js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { childrenOf, contentOf, firstDer, InvalidDerError, objectIdentifierOf, TAG } from "./der.ts";

const berOf = (value: { toBER(): ArrayBuffer }) => new Uint8Array(value.toBER());

test("DER that another library writes is read: lengths of every form, nesting, identifiers", () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.nat({ max: 70_000 }).map((length) => new Uint8Array(length)),
  );
  fc.assert(
    fc.property(fc.array(octets, { maxLength: 3 }), (contents) => {
      const value = contents.map((bytes) => new OctetString({ valueHex: Uint8Array.from(bytes).buffer }));
      const bytes = berOf(new Sequence({ value }));
      const read = firstDer(Buffer.concat([bytes, Buffer.from("more")]));
      expect([...read.bytes]).toEqual([...bytes]);
      expect(childrenOf(read, TAG.sequence).map((child) => [...contentOf(child, TAG.octetString)])).toEqual(
        contents.map((content) => [...content]),
      );
    }),
    { numRuns: 50 },
  );
  const node = fc.nat({ max: 2 ** 31 - 1 });
  const identifier = fc.oneof(
    fc.tuple(fc.nat({ max: 1 }), fc.nat({ max: 39 }), fc.array(node, { minLength: 1, maxLength: 5 })),
    fc.tuple(fc.constant(2), fc.nat({ max: 39 }), fc.array(node, { minLength: 1, maxLength: 5 })),
  );
  fc.assert(
    fc.property(identifier, ([first, second, rest]) => {
      const value = [first, second, ...rest].join(".");
      expect(objectIdentifierOf(firstDer(berOf(new ObjectIdentifier({ value }))))).toBe(value);
    }),
  );
});

test("BER that is not DER, and bytes that end too early, are refused", () => {
  const refused = ["", "30", "3080", "300180", "308101", "30820001", "3f0100", "0402ff", "30850000000000"];
  for (const hex of refused)
    expect(() => childrenOf(firstDer(Buffer.from(hex, "hex")), TAG.sequence)).toThrow(InvalidDerError);
  for (const hex of ["0600", "060180", `0650${"01".repeat(80)}`])
    expect(() => objectIdentifierOf(firstDer(Buffer.from(hex, "hex")))).toThrow(InvalidDerError);
});

test("arbitrary bytes are read or refused, and throw nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      try {
        childrenOf(firstDer(bytes), TAG.sequence).forEach(objectIdentifierOf);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidDerError);
      }
    }),
    { numRuns: 2_000 },
  );
});
