import { contentOfFile } from "./receiptFile.ts";
import type { Verification } from "./verification.ts";
import { type HistoryVerification, verifyHistory } from "./verifyHistory.ts";
import { type VerifyReceiptInput, verifyReceipt } from "./verifyReceipt.ts";

export type VerifyFileOptions = Pick<VerifyReceiptInput, "rpc" | "pins" | "timeoutMs">;

/**
 * Checks a file's bytes, whatever they are: contentOfFile tells what is understood. A proof PDF's attachment is taken out of it before.
 * @throws {InvalidPinError}
 */
export function verifyFile(
  bytes: Uint8Array,
  options: VerifyFileOptions,
): Promise<Verification | HistoryVerification> {
  const content = contentOfFile(bytes);
  return "history" in content
    ? verifyHistory({ ...content, ...options })
    : verifyReceipt({ ...content, ...options });
}
