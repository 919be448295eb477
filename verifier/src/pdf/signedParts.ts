import { as, asCount, type PdfDict } from "./pdfValue.ts";
import { broken } from "./signatureFault.ts";

/**
 * The bytes that a signature covers, and the signature (ISO 32000-2 §12.8.1). They must be the whole
 * file but the string `Contents` with its delimiters: anything else left out can be changed.
 * @throws {SignatureFault}
 */
export function signedPartsOf(
  pdf: Uint8Array,
  { entries }: PdfDict,
): { parts: Uint8Array[]; cms: Uint8Array } {
  const [start, before, after, rest, ...more] =
    as("array", entries.get("ByteRange"))?.items.map(asCount) ?? [];
  const contents = as("string", entries.get("Contents"));
  if (before === undefined || after === undefined || rest === undefined || more.length > 0 || !contents)
    throw broken("The signature does not say what it covers.");
  if (start !== 0 || contents.place?.start !== before || contents.place.end !== after)
    throw broken(
      "The signature leaves out a part of the file, or another program saved the file after it was signed.",
    );
  if (after + rest !== pdf.length)
    throw broken("Something was added to the file or cut off after it was signed.");
  return { parts: [pdf.subarray(0, before), pdf.subarray(after)], cms: contents.bytes };
}
