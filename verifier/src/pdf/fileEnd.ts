import { PdfScanner } from "./pdfScanner.ts";
import { UnreadablePdfError } from "./unreadablePdfError.ts";

const END_MARKER = "%%EOF";
const START_XREF = "startxref";
const HEADER = "%PDF-";
/** Between the keyword startxref and the end marker stands one number; bytes. */
const START_XREF_BYTES_MAX = 64;
/** NUL, tab, line ends and space: what storage and mail programs add. */
const PADDING: ReadonlySet<number> = new Set([0x00, 0x09, 0x0a, 0x0d, 0x20]);

export type FileEnd = {
  /** Where the newest cross-reference section begins. */
  sectionOffset: number;
  /** Where the keyword `startxref` stands. */
  position: number;
};

/**
 * Reads the end of a file (ISO 32000-2 §7.5.5).
 * @throws {UnreadablePdfError} when the end is missing, or when something else follows it.
 */
export function readFileEnd(pdf: Uint8Array): FileEnd {
  const marker = lastIndexOf(pdf, END_MARKER);
  if (marker < 0) throw new UnreadablePdfError("The PDF ends in the middle: get the whole file again.");
  if (!hasEnd(pdf))
    throw new UnreadablePdfError(
      "Bytes follow the end of the PDF, or a later part of it was cut off: get the file again from whoever issued it.",
    );
  if (hasEnd(pdf.subarray(0, Math.max(0, lastIndexOf(pdf, HEADER)))))
    throw new UnreadablePdfError(
      "Another PDF is appended to the PDF: get the file again from whoever issued it.",
    );
  const position = lastIndexOf(pdf.subarray(0, marker), START_XREF);
  if (position >= marker - START_XREF_BYTES_MAX && position >= 0) {
    const scanner = new PdfScanner(pdf.subarray(0, marker), position + START_XREF.length);
    const sectionOffset = scanner.takeInteger();
    scanner.skipSpace();
    if (sectionOffset !== undefined && scanner.position === marker) return { sectionOffset, position };
  }
  throw new UnreadablePdfError("The end of the PDF is damaged: get the whole file again.");
}

/** Whether nothing but padding follows the last end marker. */
function hasEnd(bytes: Uint8Array): boolean {
  const marker = lastIndexOf(bytes, END_MARKER);
  return marker >= 0 && bytes.subarray(marker + END_MARKER.length).every((byte) => PADDING.has(byte));
}

/** Where `text` last begins, or -1. */
function lastIndexOf(bytes: Uint8Array, text: string): number {
  const wanted = new TextEncoder().encode(text);
  let start = bytes.length - wanted.length;
  while (start >= 0) {
    start = bytes.lastIndexOf(wanted[0]!, start);
    if (start >= 0 && wanted.every((byte, index) => bytes[start + index] === byte)) return start;
    start--;
  }
  return -1;
}
