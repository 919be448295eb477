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

const TEXT_OID = 25;
const NULL_LENGTH = -1;

/**
 * A text[] of long ASCII texts in PostgreSQL's binary format (array_recv), which node-postgres sends as it is: nobody reads it
 * character by character.
 */
export function asciiArray(texts: readonly (string | null)[]): Buffer {
  const bytes = Buffer.allocUnsafe(texts.reduce((sum, text) => sum + 4 + (text?.length ?? 0), 20));
  let at = bytes.writeInt32BE(texts.length === 0 ? 0 : 1, 0); // dimensions
  at = bytes.writeInt32BE(1, at); // may hold nulls
  at = bytes.writeInt32BE(TEXT_OID, at);
  if (texts.length === 0) return bytes.subarray(0, at);
  at = bytes.writeInt32BE(texts.length, at);
  at = bytes.writeInt32BE(1, at); // the first index
  for (const text of texts) {
    at = bytes.writeInt32BE(text?.length ?? NULL_LENGTH, at);
    if (text !== null) at += bytes.write(text, at, "latin1");
  }
  return bytes;
}
