import fc from "fast-check";
import { expect, test } from "vitest";
import { cutLines, isExtractedInexactly } from "./lines.ts";

const widthMax = 12;
const widthOf = (text: string) => [...text].length;
/** As `printable` leaves a text: single spaces, and none at an edge. */
const text = fc
  .string({ unit: fc.constantFrom("a", "b", "-", "\u2010", "_", " ", "\u0301", "𝔸"), maxLength: 80 })
  .map((value) => value.trim().replace(/ +/g, " "));

test("exact lines, joined, are the text, and only a space stands over the edge", () => {
  fc.assert(
    fc.property(text, (value) => {
      const lines = cutLines(value, "exact", widthOf, widthMax);
      expect(lines.join("")).toBe(value);
      for (const line of lines) expect(widthOf(line.trimEnd())).toBeLessThanOrEqual(widthMax);
    }),
  );
});

test("no exact line begins with a space, and none is empty", () => {
  fc.assert(
    fc.property(text, (value) => {
      for (const line of cutLines(value, "exact", widthOf, widthMax)) expect(line).toMatch(/^[^ ]/u);
    }),
  );
});

test("a line of base64url never ends with a hyphen where it could end otherwise", () => {
  const base64url = fc.string({ unit: fc.constantFrom("A", "b", "-", "_", "9"), maxLength: 80 });
  fc.assert(
    fc.property(base64url, (value) => {
      for (const line of cutLines(value, "exact", widthOf, widthMax).slice(0, -1)) {
        if (isExtractedInexactly(line)) expect(line).toMatch(/^-+$/);
      }
    }),
  );
});

test("lines of words, joined by spaces, are the text, unless a word is longer than a line", () => {
  const words = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "-"), minLength: 1, maxLength: 12 }));
  fc.assert(
    fc.property(words, (all) => {
      const lines = cutLines(all.join(" "), "words", widthOf, widthMax);
      expect(lines.join(" ")).toBe(all.join(" "));
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(widthMax);
    }),
  );
  expect(cutLines("see https://shop.example/a", "words", widthOf, widthMax)).toEqual([
    "see",
    "https://shop",
    ".example/a",
  ]);
});
