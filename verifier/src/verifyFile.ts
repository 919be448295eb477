import { isPdf } from "./pdf/isPdf.ts";
import { contentOfFile, type FileContent, type HistoryContent, UnreadableFileError } from "./receiptFile.ts";
import { conclude, unchecked, type Verification } from "./verification.ts";
import { type HistoryVerification, verifyHistory } from "./verifyHistory.ts";
import { type VerifyReceiptInput, verifyReceipt } from "./verifyReceipt.ts";

export type VerifyFileOptions = Pick<
  VerifyReceiptInput,
  "rpc" | "pins" | "timeoutMs" | "finality" | "strict"
>;

/**
 * Checks a file's bytes, whatever they are: command, library and page come in by this door. What cannot be read as a receipt, or as a
 * PDF with one, is `unchecked`, with a sentence on what to do.
 * @throws {InvalidPinError}
 */
export async function verifyFile(
  bytes: Uint8Array,
  options: VerifyFileOptions,
): Promise<Verification | HistoryVerification> {
  const content = await open(bytes).catch((error: unknown) => {
    if (error instanceof UnreadableFileError) return error;
    throw error;
  });
  if (content instanceof UnreadableFileError) return unreadable(content);
  return "history" in content
    ? verifyHistory({ ...content, ...options })
    : verifyReceipt({ ...content, ...options });
}

async function open(bytes: Uint8Array): Promise<FileContent | HistoryContent> {
  if (!isPdf(bytes)) return contentOfFile(bytes);
  // Most files are none, and the reader of PDFs is larger than all else.
  const { readProofPdf, UnreadablePdfError } = await import("./pdf/readProofPdf.ts");
  try {
    const { receipt, ...pdf } = await readProofPdf(bytes);
    const content = contentOfFile(receipt);
    if ("history" in content) throw new UnreadableFileError("The file inside of the PDF is a history.");
    // A proof PDF is of a consent, whatever it holds: a hash in it is none.
    const origin = { statement: undefined, ...content.origin, kind: "consent-proof" as const };
    return { ...content, origin, pdf };
  } catch (error) {
    if (!(error instanceof UnreadablePdfError)) throw error;
    throw new UnreadableFileError(error.message, { cause: error });
  }
}

function unreadable(error: UnreadableFileError): Verification {
  const checks = [unchecked("form", "unreadable", error.message)];
  return conclude({ receipt: null, checks, finality: null, warnings: [] });
}
