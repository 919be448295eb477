import fc from "fast-check";
import { expect, test } from "vitest";
import { PdfScanner } from "./pdfScanner.ts";
import type { PdfValue } from "./pdfValue.ts";

const hex = (byte: number) => byte.toString(16).padStart(2, "0");
const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const scan = (text: string) => new PdfScanner(bytesOf(text), 0, false).takeValue();
const string = (bytes: Uint8Array): PdfValue => ({ kind: "string", bytes, place: null });

/** The ways to write a byte in a literal string (ISO 32000-2 §7.3.4.2). */
const literalByte = (byte: number) => {
  const octal = `\\${byte.toString(8).padStart(3, "0")}`;
  const isPlain = byte !== 0x0d && !"()\\".includes(String.fromCharCode(byte));
  return fc.constantFrom(octal, `\\\r\n${octal}`, ...(isPlain ? [String.fromCharCode(byte)] : []));
};
const spelledString = fc.uint8Array({ maxLength: 20 }).chain((bytes) =>
  fc
    .oneof(
      fc.constant(`<${Array.from(bytes, hex).join(" \n")}>`),
      fc.tuple(...Array.from(bytes, literalByte)).map((parts) => `(${parts.join("")})`),
    )
    .map((text) => ({ text, value: string(bytes) })),
);
const spelledName = fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 8 }).map((name) => ({
  text: `/${name.replace(/[^a-z]/g, (character) => `#${hex(character.charCodeAt(0))}`)}`,
  name,
}));
const space = fc.constantFrom(" ", "\n", "\r\n", "\0\t", " % a comment > ]\r");

type Spelled = { text: string; value: PdfValue };
const { value: spelledValue } = fc.letrec<{ value: Spelled; dict: Spelled; array: Spelled }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    spelledString,
    spelledName.map(({ text, name }): Spelled => ({ text, value: { kind: "name", name } })),
    fc
      .constantFrom<PdfValue>(null, true, false, 0, -7, 0.25)
      .map((value) => ({ text: String(value), value })),
    fc.tuple(fc.nat(), fc.nat({ max: 65_535 }), space).map(
      ([number, generation, between]): Spelled => ({
        text: `${number}${between}${generation} R`,
        value: { kind: "ref", number, generation },
      }),
    ),
    tie("dict"),
    tie("array"),
  ),
  array: fc.tuple(fc.array(tie("value"), { maxLength: 4 }), space).map(([items, between]) => ({
    text: `[${items.map(({ text }) => text + between).join("")}]`,
    value: { kind: "array", items: items.map(({ value }) => value) },
  })),
  dict: fc
    .tuple(
      fc.uniqueArray(fc.tuple(spelledName, tie("value")), { maxLength: 4, selector: ([{ name }]) => name }),
      space,
    )
    .map(([pairs, between]) => ({
      text: `<<${pairs.map(([key, { text }]) => key.text + between + text + between).join("")}>>`,
      value: { kind: "dict", entries: new Map(pairs.map(([key, { value }]) => [key.name, value])) },
    })),
}));

test("every spelling of a PDF value reads as that value (ISO 32000-2 §7.3)", () => {
  fc.assert(
    fc.property(spelledValue, space, ({ text, value }, before) => {
      expect(scan(`${before}${text} `)).toEqual(value);
    }),
    { numRuns: 500 },
  );
});

test("numbers are told from references by what follows them", () => {
  expect(scan("[1 2 3 0 R 4]")).toEqual({
    kind: "array",
    items: [1, 2, { kind: "ref", number: 3, generation: 0 }, 4],
  });
  expect(scan("[+1 -.5 4.]")).toEqual({ kind: "array", items: [1, -0.5, 4] });
});

test("a line end in a string is a line feed, and an escaped one is nothing", () => {
  expect(scan("(a\r\nb\rc\\\r\nd\\n\\(\\x(e))")).toEqual(string(bytesOf("a\nb\ncd\n(x(e)")));
  expect(scan("<4>")).toEqual(string(Uint8Array.of(0x40)));
});

test("a string says where it stands in the file", () => {
  const value = new PdfScanner(bytesOf("  <00ff> "), 0).takeValue();
  expect(value).toMatchObject({ place: { start: 2, end: 8 } });
});

test("text that is no PDF value is refused", () => {
  const texts = [
    "",
    "endobj",
    "1e5",
    "<< /A 1 /A 2 >>",
    "<< /A 1 >",
    "<0g>",
    "(a",
    "[1",
    "<00",
    "[".repeat(1_000),
  ];
  for (const text of texts) expect(() => scan(text)).toThrow("The PDF is damaged");
});
