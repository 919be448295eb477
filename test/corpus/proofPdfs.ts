import { createPublicKey } from "node:crypto";
import { PDFDocument } from "pdf-lib";
import { createPdfSigner } from "#api/consentProof/pdf/pdfSigner.ts";
import { renderProofPdf } from "#api/consentProof/pdf/renderProofPdf.ts";
import type { ProofLanguage } from "#api/consentProof/pdf/words.ts";
import { selfSignedCertificate } from "#test/support/certificate.ts";
import { PROOF } from "#test/support/consentProof.ts";
import type { Consent } from "./formats.ts";
import { PDF_KEY } from "./keys.ts";
import { ISSUER } from "./records.ts";

/** What a proof PDF carries. */
export function attachmentOf({ proof }: Pick<Consent, "proof">): Buffer {
  return Buffer.from(JSON.stringify(proof, null, 2));
}

/** The PDF as the service makes it. `attachment`: in the place of the consent's own. */
export async function proofPdf(
  consent: Consent,
  language: ProofLanguage,
  { attachment = attachmentOf(consent), isToBeSigned = false } = {},
): Promise<Buffer> {
  const { record, proof } = consent;
  const { created, visitor, consented_at } = record.fields as Record<string, string>;
  const { merkleRoot, anchor } = proof.receipt!;
  const page = `${ISSUER}/receipt/rcpt_7f3a`;
  const pdf = await renderProofPdf({
    proof: {
      ...PROOF,
      recordSha256: record.digest,
      visitorId: visitor!,
      consentedAt: new Date(consented_at ?? created!),
      expiresAt: null,
      createdAt: new Date(created!),
      anchor: { ...anchor, merkleRoot },
    },
    language,
    receiptJson: attachment,
    urls: { receiptPage: page, proofPdf: `${page}/pdf`, verifyProof: `${ISSUER}/api/consent/verify-proof` },
    isToBeSigned,
  });
  return Buffer.from(pdf);
}

/** PKCS #1 v1.5 has no chance in it: the same PDF gets the same signature. */
export async function signedProofPdf(consent: Consent): Promise<Buffer> {
  const certificate = await selfSignedCertificate(PDF_KEY, createPublicKey(PDF_KEY));
  const signer = await createPdfSigner(
    PDF_KEY.export({ type: "pkcs8", format: "pem" }).toString(),
    certificate,
  );
  return Buffer.from(await signer.sign(await proofPdf(consent, "en", { isToBeSigned: true })));
}

/** As pdf-lib writes it: objects in streams, a cross-reference stream. */
export async function savedByPdfLib(pdf: Uint8Array): Promise<Buffer> {
  const document = await PDFDocument.load(pdf, { updateMetadata: false });
  return Buffer.from(await document.save());
}
