import { PdfScanner } from "./pdfScanner.ts";
import { as, asCount, type PdfDict, type PdfStream, type PdfValue } from "./pdfValue.ts";
import { damagedPdf } from "./unreadablePdfError.ts";
import type { WorkBudget } from "./workBudget.ts";

/** The objects that lead to a receipt take kilobytes, a stream's data apart. Bytes. */
const OBJECT_BYTES_MAX = 4_194_304;

/** A whole file, and what may still be done with it. */
export type PdfFile = { bytes: Uint8Array; budget: WorkBudget };
/** `end` is the position after the keyword `endobj`. */
export type IndirectObject = { number: number; generation: number; value: PdfValue; end: number };
/** Looks an indirect object up. */
export type Resolve = (value: PdfValue | undefined) => Promise<PdfValue>;

/**
 * The indirect object that begins at `offset` (ISO 32000-2 §7.3.10).
 * @throws {UnreadablePdfError}
 */
export async function readIndirectObject(
  file: PdfFile,
  offset: number,
  resolve: Resolve,
): Promise<IndirectObject> {
  const scanner = new PdfScanner(file.bytes.subarray(0, offset + OBJECT_BYTES_MAX), offset);
  const [number, generation] = [scanner.takeInteger(), scanner.takeInteger()];
  if (number === undefined || generation === undefined || !scanner.takeKeyword("obj"))
    throw damagedPdf("An object is not where it should be");
  const value = scanner.takeValue();
  file.budget.spend(scanner.position - offset);
  const dict = as("dict", value);
  if (dict && scanner.takeKeyword("stream")) {
    scanner.skipStreamLineEnd();
    const { stream, end } = await readStream(file, scanner.position, { dict, resolve });
    return { number, generation, value: stream, end };
  }
  if (!scanner.takeKeyword("endobj")) throw damagedPdf("An object does not end");
  return { number, generation, value, end: scanner.position };
}

async function readStream(
  { bytes }: PdfFile,
  start: number,
  { dict, resolve }: { dict: PdfDict; resolve: Resolve },
): Promise<{ stream: PdfStream; end: number }> {
  const length = asCount(await resolve(dict.entries.get("Length")));
  if (length === undefined || start + length > bytes.length) throw damagedPdf("A stream has no length");
  const scanner = new PdfScanner(bytes, start + length);
  if (!scanner.takeKeyword("endstream") || !scanner.takeKeyword("endobj"))
    throw damagedPdf("A stream does not end where it says");
  return {
    stream: { kind: "stream", dict, data: bytes.subarray(start, start + length) },
    end: scanner.position,
  };
}
