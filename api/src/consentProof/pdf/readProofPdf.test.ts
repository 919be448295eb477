import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { PDFDocument } from "pdf-lib";
import { beforeAll, describe, expect, test } from "vitest";
import { selfSignedCertificate } from "#test/support/certificate.ts";
import {
  PROOF as proof,
  RECEIPT_JSON as receiptJson,
  PROOF_URLS as urls,
} from "#test/support/consentProof.ts";
import { updatedPdf } from "#test/support/pdfFile.ts";
import { savedByQpdf, skippedForQpdf } from "#test/support/qpdf.ts";
import { readProofPdf, UnreadablePdfError } from "#verifier/pdf/readProofPdf.ts";
import { createPdfSigner } from "./pdfSigner.ts";
import { renderProofPdf } from "./renderProofPdf.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const input = { proof, language: "sr", receiptJson, urls } as const;
let unsigned: Buffer;
let signed: Buffer;

beforeAll(async () => {
  const certificate = await selfSignedCertificate(rsa.privateKey, rsa.publicKey);
  unsigned = Buffer.from(await renderProofPdf(input));
  const keyPem = rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const signer = await createPdfSigner(keyPem, certificate);
  signed = Buffer.from(await signer.sign(await renderProofPdf({ ...input, isToBeSigned: true })));
});

const receiptOf = async (pdf: Uint8Array) => Buffer.from((await readProofPdf(pdf)).receipt);
const savedByPdfLib = async (pdf: Uint8Array, useObjectStreams: boolean) =>
  Buffer.from(await (await PDFDocument.load(pdf)).save({ useObjectStreams }));

describe("protocol §8: a proof PDF gives its receipt, also after another program saved it", () => {
  test("as it was issued, signed or not", async () => {
    for (const pdf of [unsigned, signed]) {
      expect(await receiptOf(pdf)).toEqual(receiptJson);
      expect(await readProofPdf(pdf)).toMatchObject({ hasLaterRevisions: false });
    }
    expect(await readProofPdf(unsigned)).toMatchObject({ signature: { state: "none" } });
  });

  test("saved again by pdf-lib, with and without object streams", async () => {
    for (const useObjectStreams of [true, false]) {
      expect(await receiptOf(await savedByPdfLib(unsigned, useObjectStreams))).toEqual(receiptJson);
      const proofPdf = await readProofPdf(await savedByPdfLib(signed, useObjectStreams));
      expect(Buffer.from(proofPdf.receipt)).toEqual(receiptJson);
      expect(proofPdf).toMatchObject({ signature: { state: "broken" }, hasLaterRevisions: false });
    }
  });

  test("with an annotation that was added afterwards", async () => {
    const annotated = updatedPdf(unsigned, { 900: "<< /Type /Annot /Subtype /Text >>" });
    expect(await receiptOf(annotated)).toEqual(receiptJson);
    expect(await readProofPdf(annotated)).toMatchObject({ hasLaterRevisions: true });
  });

  describe.skipIf(skippedForQpdf !== null)(`by QPDF ${skippedForQpdf ?? ""}`, () => {
    const options = ["--object-streams=generate", "--linearize", "--qdf"];
    test.each(options)(
      "saved again by qpdf %s, the receipt is there, and the signature never holds",
      async (option) => {
        expect(await receiptOf(savedByQpdf(unsigned, option))).toEqual(receiptJson);
        const proofPdf = await readProofPdf(savedByQpdf(signed, option));
        expect(Buffer.from(proofPdf.receipt)).toEqual(receiptJson);
        expect(proofPdf).toMatchObject({ signature: { state: "broken" }, hasLaterRevisions: false });
      },
    );

    test("damage is found also where nothing is compressed: the same receipt, or none", async () => {
      const plain = savedByQpdf(unsigned, "--qdf");
      const part = plain.indexOf("/EmbeddedFile");
      const near = fc.integer({ min: part - 500, max: part + 1_500 });
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(near, fc.nat({ max: plain.length - 1 })),
          fc.integer({ min: 1, max: 255 }),
          async (at, flip) => {
            const changed = Buffer.from(plain);
            changed[at]! ^= flip;
            const outcome = await receiptOf(changed).catch((error: unknown) => error);
            if (!(outcome instanceof UnreadablePdfError)) expect(outcome).toEqual(receiptJson);
          },
        ),
        { numRuns: 500 },
      );
    });
  });
});
