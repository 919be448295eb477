import { pdfOf, streamBody, updatedPdf } from "#test/support/pdfFile.ts";
import { smallPdf } from "#test/support/receiptPdf.ts";
import { type CorpusFile, refused } from "../corpusFile.ts";
import { type Consent, history } from "../formats.ts";
import { changed, type Genuine, otherHex } from "../genuine.ts";
import { attachmentOf, proofPdf, signedProofPdf } from "../proofPdfs.ts";

const ATTACHED = { warnings: ["pagesNotCompared"] } as const;

/** PDFs that give no receipt, or none that can be relied upon. */
export async function pdfFamily(genuine: Genuine): Promise<CorpusFile[]> {
  const { consents, forged } = genuine;
  return [
    ...(await issuedAndChanged(consents.proof)),
    ...otherAttachments(genuine),
    refused(
      "pdf-forged-record.pdf",
      await proofPdf(forged.proof, "en"),
      ["originMissing"],
      "The record in it was anchored as a plain hash.",
      {
        ...ATTACHED,
        isRendered: true,
      },
    ),
  ];
}

async function issuedAndChanged(consent: Consent): Promise<CorpusFile[]> {
  const issued = await proofPdf(consent, "en");
  const signed = await signedProofPdf(consent);
  const isRendered = true;
  const note = "<< /Type /Annot /Subtype /Text /Contents (VALID) /Rect [0 0 10 10] >>";
  return [
    refused("pdf-half.pdf", issued.subarray(0, issued.length / 2), ["unreadable"], "It is half of a PDF.", {
      isRendered,
    }),
    refused(
      "pdf-signed-then-updated.pdf",
      updatedPdf(signed, { 900: note }),
      ["pdfChanged"],
      "Something was added after it was signed.",
      { warnings: ["pagesNotCompared", "pdfRevised"], isRendered },
    ),
    refused(
      "pdf-signed-then-page-changed.pdf",
      withFlip(signed, signed.indexOf("/MediaBox [0 0 ") + "/MediaBox [0 0 ".length),
      ["pdfChanged"],
      "A page got another size after it was signed.",
      { ...ATTACHED, isRendered },
    ),
  ];
}

/** Small ones: it is their structure that counts. */
function otherAttachments({ usual, consents: { proof, log, first } }: Genuine): CorpusFile[] {
  const attachment = attachmentOf(proof);
  const small = (file: string | Uint8Array | object) =>
    smallPdf({ file: streamBody(file instanceof Uint8Array ? file : Buffer.from(JSON.stringify(file))) });
  const genuine = small(attachment);
  const other = Buffer.from(JSON.stringify(usual));
  const second = ["<< /UF (receipt.json) /EF << /F 5 0 R >> >>", streamBody(other)];
  const refuse = (name: string, pdf: Uint8Array, why: string) =>
    refused(`pdf-${name}.pdf`, pdf, ["unreadable"], why);
  const lie = changed(proof.proof, (draft) => {
    draft.receipt!.hash = otherHex(draft.receipt!.hash);
  });
  return [
    refuse("beginning-alone", Buffer.from("%PDF-1.7\n"), "It is the beginning of a PDF."),
    refuse("cut-off", genuine.subarray(0, -8), "Its end is cut off."),
    refuse("bytes-after", Buffer.concat([genuine, Buffer.from("VALID")]), "Something follows its end."),
    refuse("pdf-after", Buffer.concat([genuine, genuine]), "Another PDF follows its end."),
    refuse(
      "attachment-replaced",
      updatedPdf(small(usual), { 3: streamBody(attachment) }),
      "A later change has replaced its receipt.",
    ),
    refuse(
      "attachment-taken-out",
      updatedPdf(genuine, { 1: "<< /Type /Catalog >>" }),
      "A later change has taken its receipt out.",
    ),
    refuse(
      "two-receipts",
      smallPdf({ catalog: "/AF [2 0 R 4 0 R]", file: streamBody(attachment), more: second }),
      "It has two different receipts attached.",
    ),
    refuse("no-attachment", pdfOf(["<< /Type /Catalog >>"]), "It has no attachment."),
    refuse(
      "attachment-of-another-name",
      smallPdf({
        specification: "/Type /Filespec /UF (receipt2.json) /EF << /F 3 0 R >>",
        file: streamBody(attachment),
      }),
      "Its attachment has another name.",
    ),
    refuse(
      "attachment-not-what-was-embedded",
      smallPdf({ file: streamBody(attachment, `/Params << /CheckSum <${"00".repeat(16)}> >>`) }),
      "Its attachment has another checksum than the PDF says.",
    ),
    refuse("attachment-history", small(history([first])), "Its attachment is a history."),
    refuse("attachment-pdf", small(genuine), "Its attachment is another PDF."),
    refuse("attachment-empty", small(new Uint8Array()), "Its attachment is empty."),
    refused(
      "pdf-of-a-hash.pdf",
      small(usual),
      ["originMissing"],
      "The receipt in it is of a hash, and a proof PDF is of a consent.",
      ATTACHED,
    ),
    refused(
      "pdf-attachment-changed.pdf",
      small(lie),
      ["recordDigestMismatch", "badSignature", "rootMismatch"],
      "The receipt in it was changed.",
      ATTACHED,
    ),
    refused(
      "pdf-record-of-another-surface.pdf",
      small(log.proof),
      ["originMismatch"],
      "The record in it is of the consent log, which issues no PDFs.",
      ATTACHED,
    ),
  ];
}

function withFlip(pdf: Buffer, at: number): Buffer {
  const flipped = Buffer.from(pdf);
  flipped[at]! ^= 1;
  return flipped;
}
