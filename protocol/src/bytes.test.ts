import fc from "fast-check";
import { expect, test } from "vitest";
import {
  base64ToBytes,
  base64UrlToBytes,
  bytesToBase64,
  bytesToBase64Url,
  bytesToHex,
  hexToBytes,
  InvalidEncodingError,
} from "./bytes.ts";

const anyBytes = fc.uint8Array({ maxLength: 200 });

test("hex, base64 and base64url agree with Buffer, both ways", () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const buffer = Buffer.from(bytes);
      expect(bytesToHex(bytes)).toBe(`0x${buffer.toString("hex")}`);
      expect(hexToBytes(bytesToHex(bytes))).toEqual(bytes);
      expect(hexToBytes(`0x${buffer.toString("hex").toUpperCase()}`)).toEqual(bytes);
      expect(bytesToBase64(bytes)).toBe(buffer.toString("base64"));
      expect(base64ToBytes(bytesToBase64(bytes))).toEqual(bytes);
      expect(bytesToBase64Url(bytes)).toBe(buffer.toString("base64url"));
      expect(base64UrlToBytes(bytesToBase64Url(bytes))).toEqual(bytes);
    }),
  );
});

test.each(["", "0", "0x0", "0xg0", "0x0g", "00", "0X00", "0x 0", "0x0\u0130", "0x\u{1f600}"])(
  "%j is not hex",
  (text) => {
    expect(() => hexToBytes(text)).toThrow(InvalidEncodingError);
  },
);

test.each(["AA", "AA=", "AAA", "AA==\n", " AA==", "AB==", "A-A=", "AA===", "\u{1f600}"])(
  "%j is not base64",
  (text) => {
    expect(() => base64ToBytes(text)).toThrow(InvalidEncodingError);
  },
);

test.each(["A", "AA==", "AB", "A+AA", "AA\n", "A/AA"])("%j is not base64url", (text) => {
  expect(() => base64UrlToBytes(text)).toThrow(InvalidEncodingError);
});
