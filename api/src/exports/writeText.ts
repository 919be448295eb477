import { csvText } from "./csv.ts";
import type { Cell, ExportText } from "./exportText.ts";
import { jsonText } from "./jsonArray.ts";
import { readAhead } from "./readAhead.ts";
import type { ExportFormat } from "./wire.ts";

/** Rows of an export, each with a cell for every column, read page by page. */
export type ExportRows = { columns: readonly string[]; pages: AsyncGenerator<Cell[][]> };

const TEXTS: Record<ExportFormat, ExportText> = { csv: csvText, json: jsonText };

/** The text of the file, a page of rows at a time, each with the number of rows up to its end. */
export async function* writeText(
  { columns, pages }: ExportRows,
  format: ExportFormat,
): AsyncGenerator<{ text: string; rows: number }> {
  const { begin, row, end } = TEXTS[format];
  let rows = 0;
  yield { text: begin(columns), rows };
  for await (const page of readAhead(pages)) {
    let text = "";
    for (const cells of page) text += row(columns, cells, rows++);
    yield { text, rows };
  }
  yield { text: end(rows), rows };
}
