import type { Cell, ExportText } from "./exportText.ts";

/** With one of these a spreadsheet begins a formula. Source: OWASP, CSV Injection; HA-12. */
const BEGINS_FORMULA = /^[=+\-@\t\r]/;
/** What a lenient reader would split, end or trim, unless it is quoted. */
const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;

/** RFC 4180 in UTF-8 without a byte order mark: CRLF after every line, and a first line that names the columns. */
export const csvText: ExportText = {
  begin: (columns) => lineOf(columns),
  row: (_columns, cells) => lineOf(cells),
  end: () => "",
};

function lineOf(cells: readonly Cell[]): string {
  let line = csvCell(cells[0]!);
  for (let i = 1; i < cells.length; i++) line += `,${csvCell(cells[i]!)}`;
  return `${line}\r\n`;
}

/**
 * One cell. Null is empty, an empty text is two quotation marks, an object is its JSON. A text whose own first character begins a
 * formula gets an apostrophe in front, quoted or not; one with a space or a quotation mark before it is left as it is.
 */
export function csvCell(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = typeof cell === "string" ? cell : JSON.stringify(cell);
  const harmless = BEGINS_FORMULA.test(text) ? `'${text}` : text;
  return harmless === "" || NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
