import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { selfSignedCertificate } from "#test/support/certificate.ts";
import {
  PROOF as proof,
  RECEIPT_JSON as receiptJson,
  PROOF_URLS as urls,
} from "#test/support/consentProof.ts";
import { poppler, skippedForPoppler } from "#test/support/poppler.ts";
import { readProofPdf } from "#verifier/pdf/readProofPdf.ts";
import { createPdfSigner, type PdfSigner } from "./pdfSigner.ts";
import { renderProofPdf } from "./renderProofPdf.ts";

const render = () => renderProofPdf({ proof, language: "sr", receiptJson, urls, isToBeSigned: true });

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pemOf = (key: KeyObject) => key.export({ type: "pkcs8", format: "pem" }).toString();
let certificate: string;
let signer: PdfSigner;

beforeAll(async () => {
  certificate = await selfSignedCertificate(rsa.privateKey, rsa.publicKey);
  signer = await createPdfSigner(pemOf(rsa.privateKey), certificate);
});

test("OS: signed, the same record still gives the same bytes, and carries its receipt", async () => {
  const [one, two] = [await signer.sign(await render()), await signer.sign(await render())];
  expect(createHash("sha256").update(one).digest("hex")).toBe(createHash("sha256").update(two).digest("hex"));
  expect(Buffer.from((await readProofPdf(one)).receipt)).toEqual(receiptJson);
});

test("a document without a place is not signed", async () => {
  const unsigned = await renderProofPdf({ proof, language: "en", receiptJson, urls });
  await expect(signer.sign(unsigned)).rejects.toThrow("no place");
});

test("keys and certificates that cannot sign are refused", async () => {
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await expect(createPdfSigner(pemOf(other.privateKey), certificate)).rejects.toThrow("not that of the key");
  await expect(createPdfSigner(pemOf(ec.privateKey), certificate)).rejects.toThrow("must be RSA");
  await expect(createPdfSigner(pemOf(rsa.privateKey), "")).rejects.toThrow("no certificate");
  const expired = await selfSignedCertificate(rsa.privateKey, rsa.publicKey, {
    notBefore: "2020-01-01",
    notAfter: "2021-01-01",
  });
  await expect(createPdfSigner(pemOf(rsa.privateKey), expired)).rejects.toThrow("2021 GMT, and not now");
  await expect(createPdfSigner(pemOf(rsa.privateKey), certificate.repeat(20))).rejects.toThrow(
    "chain of certificates is too long",
  );
  await expect(createPdfSigner("nonsense", certificate)).rejects.toThrow("cannot be read");
});

describe.skipIf(skippedForPoppler !== null)(`OS: PAdES ${skippedForPoppler ?? ""}`, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-pades-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const pdfsig = (pdf: Uint8Array) => {
    const file = join(folder, "proof.pdf");
    writeFileSync(file, pdf);
    return poppler("pdfsig", "-nocert", file);
  };

  test("OS: another program finds the signature valid, over the whole document, by the operator's certificate", async () => {
    const report = pdfsig(await signer.sign(await render()));
    expect(report).toContain("Signature is Valid");
    expect(report).toContain("Total document signed");
    expect(report).toContain("ETSI.CAdES.detached");
    expect(report).toContain("Holdfast test");
  });

  test("OS: and one of a changed document not", async () => {
    const signed = Buffer.from(await signer.sign(await render()));
    const at = signed.indexOf("/Title");
    signed[at + 8]! ^= 1;
    expect(pdfsig(signed)).not.toContain("Signature is Valid");
  });
});
