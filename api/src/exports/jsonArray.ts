import type { ExportText } from "./exportText.ts";

/** One array of objects with raw values, an object a line; members stand in the order of the columns. */
export const jsonText: ExportText = {
  begin: () => "[",
  row: (columns, cells, place) => {
    let members = "";
    for (let i = 0; i < columns.length; i++)
      members += `${i === 0 ? "" : ","}"${columns[i]}":${JSON.stringify(cells[i])}`;
    return `${place === 0 ? "\n" : ",\n"}{${members}}`;
  },
  end: (rows) => (rows === 0 ? "]\n" : "\n]\n"),
};
