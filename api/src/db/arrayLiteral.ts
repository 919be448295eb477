/**
 * PostgreSQL's spelling of an array whose elements need no quotes: UUIDs, numbers, words. node-postgres looks at every
 * character of every element for something to escape, which is most of what a grouped statement costs on this side.
 */
export function arrayLiteral(elements: readonly (string | number | null)[]): string {
  return `{${elements.map((element) => element ?? "NULL").join(",")}}`;
}

/** The same for bytea[], of hex without 0x. */
export function byteaArrayLiteral(hexTexts: readonly (string | null)[]): string {
  return `{${hexTexts.map((hex) => (hex === null ? "NULL" : `"\\\\x${hex}"`)).join(",")}}`;
}
