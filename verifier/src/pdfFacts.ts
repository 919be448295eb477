import type { ProofPdf } from "./pdf/readProofPdf.ts";
import type { Warning } from "./reason.ts";
import { type Check, type PdfSigner, passed, unchecked } from "./verification.ts";

/** What is known of the PDF that a receipt came in. */
export type PdfFacts = Omit<ProofPdf, "receipt">;

export type PdfFindings = { checks: Check[]; warnings: Warning[]; signer: PdfSigner | null };

/**
 * Findings about the PDF around a receipt. Its pages are never compared with the receipt, and the report always says so. A
 * signature that does not cover the file as it is now leaves it unchecked: the file was changed after it was signed.
 */
export function checkPdf(pdf: PdfFacts | undefined): PdfFindings {
  if (pdf === undefined) return { checks: [], warnings: [], signer: null };
  const { signature, hasLaterRevisions } = pdf;
  const warnings: Warning[] = ["pagesNotCompared"];
  if (hasLaterRevisions) warnings.push("pdfRevised");
  if (signature.state === "none") return { checks: [], warnings, signer: null };
  if (signature.state === "notChecked")
    return { checks: [], warnings: [...warnings, "pdfSignatureUnchecked"], signer: null };
  if (signature.state === "broken")
    return { checks: [unchecked("pdfSignature", "pdfChanged", signature.why)], warnings, signer: null };
  const { subject, certificateSha256 } = signature;
  return { checks: [passed("pdfSignature")], warnings, signer: { subject, certificateSha256 } };
}
