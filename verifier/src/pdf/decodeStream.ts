import type { Resolve } from "./indirectObject.ts";
import { inflate } from "./inflate.ts";
import { as, asCount, isName, type PdfDict, type PdfStream, type PdfValue } from "./pdfValue.ts";
import { undoPngPrediction } from "./pngPrediction.ts";
import { damagedPdf, UnreadablePdfError } from "./unreadablePdfError.ts";

/** Widest row of predicted data that we take; bytes. Cross-reference rows have about five. */
const ROW_BYTES_MAX = 65_536;

export type DecodeOptions = {
  /** Called with the size of each piece that is unpacked. An error that it throws ends the work. */
  onBytes: (bytes: number) => void;
  resolve: Resolve;
};

/**
 * The data behind a stream's filters (ISO 32000-2 §7.4). Reads streams without a filter and with
 * FlateDecode, with or without PNG prediction.
 * @throws {UnreadablePdfError}
 */
export async function decodeStream({ dict, data }: PdfStream, options: DecodeOptions): Promise<Uint8Array> {
  const filters = await listOf(dict.entries.get("Filter"), options);
  const parameters = await listOf(dict.entries.get("DecodeParms"), options);
  if (filters.length === 0) {
    options.onBytes(data.byteLength);
    return data;
  }
  if (filters.length > 1 || !isName(filters[0], "FlateDecode"))
    throw new UnreadablePdfError(
      "A part of the PDF is encoded in a way that this program does not read: save the attachment receipt.json with a PDF viewer, and check that file.",
    );
  const inflated = await inflate(data, options.onBytes);
  const flate = as("dict", parameters[0]);
  return flate ? undoPrediction(inflated, flate) : inflated;
}

/** One value or an array of them, or none. */
async function listOf(value: PdfValue | undefined, { resolve }: DecodeOptions): Promise<PdfValue[]> {
  const resolved = await resolve(value);
  const items = as("array", resolved)?.items ?? (resolved === null ? [] : [resolved]);
  const resolvedItems: PdfValue[] = [];
  for (const item of items.slice(0, 2)) resolvedItems.push(await resolve(item));
  return resolvedItems;
}

function undoPrediction(data: Uint8Array, { entries }: PdfDict): Uint8Array {
  const number = (name: string, preset: number) => {
    const count = asCount(entries.has(name) ? entries.get(name) : preset);
    if (count === undefined) throw damagedPdf("A filter has wrong parameters");
    return count;
  };
  const predictor = number("Predictor", 1);
  if (predictor <= 1) return data;
  if (predictor < 10) throw damagedPdf("A filter has an unknown predictor");
  const pixelBits = number("Colors", 1) * number("BitsPerComponent", 8);
  const rowBytes = Math.ceil((pixelBits * number("Columns", 1)) / 8);
  if (rowBytes < 1 || rowBytes > ROW_BYTES_MAX) throw damagedPdf("A filter has wrong parameters");
  return undoPngPrediction(data, { rowBytes, pixelBytes: Math.ceil(pixelBits / 8) });
}
