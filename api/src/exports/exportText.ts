export type Cell = string | number | object | null;

/** How a format writes a file of rows, piece by piece. */
export type ExportText = {
  begin(columns: readonly string[]): string;
  /** @param place from 0. */
  row(columns: readonly string[], cells: readonly Cell[], place: number): string;
  end(rows: number): string;
};
