/** First and last byte, both included. */
export type ByteRange = { start: number; end: number };

/**
 * What a Range header asks for of a file. Several ranges, other units and malformed ones are not for us: the whole file answers them.
 * Source: RFC 9110 §14.1.2, §14.2.
 * @param bytes size of the file, at least 1.
 */
export function byteRangeOf(header: string | undefined, bytes: number): ByteRange | "unsatisfiable" | null {
  const [, first = "", last = ""] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? "") ?? [];
  if (first === "") {
    if (last === "") return null;
    return Number(last) === 0
      ? "unsatisfiable"
      : { start: Math.max(0, bytes - Number(last)), end: bytes - 1 };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return null;
  if (start >= bytes) return "unsatisfiable";
  return { start, end: last === "" ? bytes - 1 : Math.min(Number(last), bytes - 1) };
}
