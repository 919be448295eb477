import { type ProofPdfInput, renderProofPdf } from "./renderProofPdf.ts";

/** What a thread of renderInThreads.ts runs. */
export default function render(input: ProofPdfInput): Promise<Uint8Array> {
  return renderProofPdf(input);
}
