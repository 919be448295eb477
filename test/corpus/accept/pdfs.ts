import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { ProofLanguage } from "#api/consentProof/pdf/words.ts";
import { updatedPdf } from "#test/support/pdfFile.ts";
import { savedByQpdf, skippedForQpdf } from "#test/support/qpdf.ts";
import type { Warning } from "#verifier/reason.ts";
import { accepted, type CorpusFile } from "../corpusFile.ts";
import { type Genuine, provenOriginOf } from "../genuine.ts";
import { CORPUS_FOLDER } from "../keys.ts";
import { proofPdf, savedByPdfLib, signedProofPdf } from "../proofPdfs.ts";

const LANGUAGES: Record<ProofLanguage, string> = {
  en: "It is a proof in English.",
  sr: "It is a proof in Serbian, in Latin letters.",
  "sr-Cyrl": "It is a proof in Serbian, in Cyrillic letters.",
};

/** Proof PDFs as they are issued, and as programs save them again. */
export async function pdfFamily({ consents: { proof } }: Genuine): Promise<CorpusFile[]> {
  const origin = provenOriginOf(proof.record);
  const accept = (name: string, pdf: Uint8Array, why: string, more: Warning[] = []) =>
    accepted(`pdf-${name}.pdf`, pdf, why, {
      origin,
      warnings: ["pagesNotCompared", ...more],
      isRendered: true,
    });
  const files: CorpusFile[] = [];
  for (const [language, why] of Object.entries(LANGUAGES))
    files.push(accept(language, await proofPdf(proof, language as ProofLanguage), why));
  const issued = await proofPdf(proof, "en");
  const note = "<< /Type /Annot /Subtype /Text /Contents (seen) /Rect [0 0 10 10] >>";
  return [
    ...files,
    accept("signed", await signedProofPdf(proof), "The operator's certificate has signed it."),
    accept(
      "saved-by-pdf-lib",
      await savedByPdfLib(issued),
      "pdf-lib has saved it again, with objects in streams.",
    ),
    accept(
      "linearised",
      byQpdf("pdf-linearised.pdf", issued, "--linearize"),
      "qpdf has saved it again for the web.",
    ),
    accept(
      "annotated",
      updatedPdf(issued, { 900: note }),
      "Somebody has added a note, in a later revision.",
      ["pdfRevised"],
    ),
  ];
}

/** Where there is no qpdf, the file that was made with it stays as it is. */
function byQpdf(name: string, pdf: Uint8Array, option: string): Uint8Array {
  const made = path.join(CORPUS_FOLDER, "must-accept", name);
  if (skippedForQpdf !== null && existsSync(made)) return readFileSync(made);
  return savedByQpdf(pdf, option, "--deterministic-id");
}
