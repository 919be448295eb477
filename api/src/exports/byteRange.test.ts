import fc from "fast-check";
import { expect, test } from "vitest";
import { byteRangeOf } from "./byteRange.ts";

test.for<[string | undefined, ReturnType<typeof byteRangeOf>]>([
  [undefined, null],
  ["bytes=0-499", { start: 0, end: 499 }], // RFC 9110 §14.1.2
  ["bytes=500-999", { start: 500, end: 999 }],
  ["bytes=-500", { start: 9500, end: 9999 }],
  ["bytes=9500-", { start: 9500, end: 9999 }],
  ["bytes=0-", { start: 0, end: 9999 }],
  ["Bytes=0-0", { start: 0, end: 0 }],
  ["bytes=-20000", { start: 0, end: 9999 }],
  ["bytes=9999-99999999999999999999", { start: 9999, end: 9999 }],
  ["bytes=10000-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=0-0,-1", null],
  ["bytes=5-4", null],
  ["bytes=-", null],
  ["bytes=a-b", null],
  ["rows=0-1", null],
])("HA-12 Range %s of a file of 10,000 bytes", ([header, range]) => {
  expect(byteRangeOf(header, 10_000)).toEqual(range);
});

test("HA-12 a download in any pieces gives the whole file", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 50 }),
      fc.integer({ min: 1, max: 20 }),
      (file, piece) => {
        const read: number[] = [];
        while (read.length < file.length) {
          const range = byteRangeOf(`bytes=${read.length}-${read.length + piece - 1}`, file.length);
          if (range === null || range === "unsatisfiable") throw new Error("no range");
          read.push(...file.subarray(range.start, range.end + 1));
        }
        expect(read).toEqual([...file]);
        expect(byteRangeOf(`bytes=${file.length}-`, file.length)).toBe("unsatisfiable");
      },
    ),
  );
});
