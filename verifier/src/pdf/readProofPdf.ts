import { checkSignature, type PdfSignature } from "./checkSignature.ts";
import { findReceipts } from "./findReceipts.ts";
import { findSignatures } from "./findSignatures.ts";
import { isPdf } from "./isPdf.ts";
import type { PdfRevision } from "./pdfRevision.ts";
import { as, type PdfDict } from "./pdfValue.ts";
import { readRevisions } from "./revisions.ts";
import { isSameBytes } from "./sameBytes.ts";
import { UnreadablePdfError } from "./unreadablePdfError.ts";
import { WorkBudget } from "./workBudget.ts";

export type { PdfSignature } from "./checkSignature.ts";
export { UnreadablePdfError } from "./unreadablePdfError.ts";

/** A proof takes about 100 kB. */
const PDF_BYTES_MAX = 33_554_432;

export type ProofPdf = {
  /** The bytes of the one embedded `receipt.json`. */
  receipt: Uint8Array;
  signature: PdfSignature;
  /** Whether the file has incremental updates (ISO 32000-2 §7.5.6). */
  hasLaterRevisions: boolean;
};

/**
 * Reads a proof PDF, also one that another program has saved again. It follows the cross-reference
 * sections, so it sees what PDF viewers see. Time and memory are bounded whatever the file holds.
 * @throws {UnreadablePdfError} when the file gives no receipt, or more than one.
 */
export async function readProofPdf(pdf: Uint8Array): Promise<ProofPdf> {
  if (!isPdf(pdf)) throw new UnreadablePdfError("The file is no PDF: choose a proof PDF or a receipt.");
  if (pdf.length > PDF_BYTES_MAX)
    throw new UnreadablePdfError(
      "The PDF is larger than 32 MiB, so it is no proof: save its attachment receipt.json with a PDF viewer, and check that file.",
    );
  const revisions = await readRevisions({ bytes: pdf, budget: new WorkBudget() });
  return {
    receipt: await onlyReceipt(revisions),
    signature: await signatureOf(pdf, revisions),
    hasLaterRevisions: revisions.length > 1,
  };
}

async function onlyReceipt([newest, ...older]: Revisions): Promise<Uint8Array> {
  const [receipt, second] = await findReceipts(newest);
  if (!receipt)
    throw new UnreadablePdfError(
      "The PDF has no attachment receipt.json: get the proof PDF itself, not a printed or converted copy.",
    );
  if (second)
    throw new UnreadablePdfError(
      "The PDF holds two different receipts: get the proof PDF again from whoever issued it.",
    );
  for (const revision of older)
    if (!(await findReceipts(revision)).every((earlier) => isSameBytes(earlier, receipt)))
      throw new UnreadablePdfError(
        "The PDF holds two different receipts, because a later change replaced the first: get the proof PDF again from whoever issued it.",
      );
  return receipt;
}

async function signatureOf(pdf: Uint8Array, [newest, ...older]: Revisions): Promise<PdfSignature> {
  const [signature, ...others] = await findSignatures(newest);
  for (const revision of older) others.push(...(await findSignatures(revision)));
  if (!signature && others.length > 0)
    return { state: "broken", why: "A later change took the signature off the file." };
  if (!signature) return { state: "none" };
  if (!others.every((other) => isSameSignature(other, signature)))
    return { state: "notChecked", why: "The PDF has several signatures, and only a single one is checked." };
  return checkSignature(pdf, signature);
}

function isSameSignature(one: PdfDict, other: PdfDict): boolean {
  const [first, second] = [one, other].map(({ entries }) => as("string", entries.get("Contents")));
  return first !== undefined && second !== undefined && isSameBytes(first.bytes, second.bytes);
}

type Revisions = readonly [PdfRevision, ...PdfRevision[]];
