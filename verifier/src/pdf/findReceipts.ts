import { md5 } from "@noble/hashes/legacy.js";
import { bytesToHex } from "#protocol/bytes.ts";
import { findEmbeddedFiles } from "./embeddedFiles.ts";
import type { PdfRevision } from "./pdfRevision.ts";
import { as, type PdfStream, type PdfString, textOf } from "./pdfValue.ts";
import { isSameBytes } from "./sameBytes.ts";
import { damagedPdf, UnreadablePdfError } from "./unreadablePdfError.ts";

const FILE_NAME = "receipt.json";
/** A receipt with its disclosures takes kilobytes. Bytes. */
const RECEIPT_BYTES_MAX = 1_048_576;

/**
 * The receipt that a revision holds, or two that differ; more are not looked for.
 * @throws {UnreadablePdfError} when one is damaged or too large.
 */
export async function findReceipts(revision: PdfRevision): Promise<Uint8Array[]> {
  const streams = new Set(await findEmbeddedFiles(revision, FILE_NAME));
  const receipts: Uint8Array[] = [];
  for (const stream of streams) {
    const receipt = await readReceipt(revision, stream);
    if (!receipts.some((other) => isSameBytes(other, receipt))) receipts.push(receipt);
    if (receipts.length > 1) break;
  }
  return receipts;
}

async function readReceipt(revision: PdfRevision, stream: PdfStream): Promise<Uint8Array> {
  let bytesTotal = 0;
  const receipt = await revision.decode(stream, (bytes) => {
    bytesTotal += bytes;
    if (bytesTotal > RECEIPT_BYTES_MAX)
      throw new UnreadablePdfError(
        `The embedded ${FILE_NAME} is larger than 1 MiB, so it is no receipt: get the PDF again from whoever issued it.`,
      );
  });
  await checkIntegrity(revision, stream, receipt);
  return receipt;
}

/**
 * Compares the receipt with the size and the MD5 that may stand beside it (ISO 32000-2 Table 45).
 * They find damage, not forgery: a receipt proves itself.
 */
async function checkIntegrity(
  revision: PdfRevision,
  { dict }: PdfStream,
  receipt: Uint8Array,
): Promise<void> {
  const parameters = await revision.dict(dict.entries.get("Params"));
  const size = await revision.resolve(parameters?.entries.get("Size"));
  const checksum = as("string", await revision.resolve(parameters?.entries.get("CheckSum")));
  const isSizeWrong = typeof size === "number" && size !== receipt.length;
  const stated = checksum && statedMd5(checksum);
  if (isSizeWrong || (stated && stated !== bytesToHex(md5(receipt))))
    throw damagedPdf(`The embedded ${FILE_NAME} is not what was embedded`);
}

/** Sixteen bytes, as in the standard, or their hex digits, as PDFKit writes them; else undefined. */
function statedMd5(checksum: PdfString): string | undefined {
  if (checksum.bytes.length === 16) return bytesToHex(checksum.bytes);
  if (checksum.bytes.length !== 32) return undefined;
  const digits = textOf(checksum).toLowerCase();
  return /^[\da-f]{32}$/.test(digits) ? `0x${digits}` : undefined;
}
