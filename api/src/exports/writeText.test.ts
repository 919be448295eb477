import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Cell } from "./exportText.ts";
import { writeText } from "./writeText.ts";

const COLUMNS = ["id", "externalId", "blockNumber", "receipt"];

async function textOf(rows: Cell[][], format: "csv" | "json", rowsPerPage = 2): Promise<string> {
  async function* pages() {
    for (let start = 0; start < rows.length; start += rowsPerPage)
      yield rows.slice(start, start + rowsPerPage);
  }
  let whole = "";
  for await (const { text } of writeText({ columns: COLUMNS, pages: pages() }, format)) whole += text;
  return whole;
}

/** Texts as a client may send them: no lone surrogates, no U+0000. */
const text = fc
  .oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: fc.constantFrom(..."=+-@\t\r\n\"',; a0\u00a0é😀") }),
    fc.constantFrom(
      "=1+1",
      "+1",
      "-1",
      "@SUM(A1)",
      "\t=1",
      "\r=1",
      ' =1"',
      '"=1"',
      "",
      "'",
      "\ufeff=1",
      "a\r\nb",
    ),
  )
  .filter((value) => !value.includes("\0"));
const row = fc.tuple(
  fc.uuid(),
  fc.option(text),
  fc.option(fc.nat()),
  fc.option(fc.record({ hash: text, proof: fc.array(text, { maxLength: 3 }) })),
);

test("HA-12 a CSV file read back by another parser has the same rows, but for the apostrophes before formulas", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 7 }), async (rows) => {
      const written = await textOf(rows, "csv");
      const [head, ...read] = parse(written, {
        relax_column_count: false,
        record_delimiter: "\r\n",
      }) as string[][];
      expect(head).toEqual(COLUMNS);
      const cellOf = (cell: Cell) => {
        const plain = cell === null ? "" : typeof cell === "object" ? JSON.stringify(cell) : String(cell);
        return ["=", "+", "-", "@", "\t", "\r"].includes(plain.charAt(0)) ? `'${plain}` : plain;
      };
      expect(read).toEqual(rows.map((cells) => cells.map(cellOf)));
    }),
    { numRuns: 500 },
  );
});

test("HA-12 no cell of a CSV file begins a formula, however it is quoted", async () => {
  await fc.assert(
    fc.asyncProperty(text, async (externalId) => {
      const written = await textOf([["id", externalId, null, null]], "csv");
      const cell = written.slice(`${COLUMNS.join(",")}\r\nid,`.length);
      expect(cell).not.toMatch(/^"?[=+\-@\t\r]/);
    }),
  );
});

test("HA-12 CSV is RFC 4180: CRLF after each line, quotes doubled, null and the empty text told apart", async () => {
  const rows: Cell[][] = [
    ["a", null, 7, null],
    ["b", "", 0, { c: '"' }],
    ["c", 'x,"y"\n', null, null],
    ["d", " padded ", null, null],
  ];
  expect(await textOf(rows, "csv")).toBe(
    [
      "id,externalId,blockNumber,receipt",
      "a,,7,",
      'b,"",0,"{""c"":""\\""""}"',
      'c,"x,""y""\n",,',
      'd," padded ",,',
      "",
    ].join("\r\n"),
  );
  expect(await textOf([], "csv")).toBe("id,externalId,blockNumber,receipt\r\n");
});

test("HA-12 a JSON file is one array with the values as they are, members in the order of the columns", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 7 }), async (rows) => {
      const read = JSON.parse(await textOf(rows, "json")) as Record<string, unknown>[];
      expect(read.map((object) => Object.keys(object))).toEqual(rows.map(() => COLUMNS));
      expect(read.map((object) => Object.values(object))).toEqual(rows);
    }),
  );
  expect(await textOf([], "json")).toBe("[]\n");
});
