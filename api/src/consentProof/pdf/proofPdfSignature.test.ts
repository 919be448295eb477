import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { selfSignedCertificate } from "#test/support/certificate.ts";
import {
  PROOF as proof,
  RECEIPT_JSON as receiptJson,
  PROOF_URLS as urls,
} from "#test/support/consentProof.ts";
import { type Forgery, rangeOf, signedAgain } from "#test/support/forgedSignature.ts";
import { updatedPdf } from "#test/support/pdfFile.ts";
import { poppler, skippedForPoppler } from "#test/support/poppler.ts";
import { type PdfSignature, readProofPdf, UnreadablePdfError } from "#verifier/pdf/readProofPdf.ts";
import { createPdfSigner } from "./pdfSigner.ts";
import { renderProofPdf } from "./renderProofPdf.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const input = { proof, language: "sr", receiptJson, urls } as const;
let certificate: string;
let signed: Buffer;

beforeAll(async () => {
  certificate = await selfSignedCertificate(rsa.privateKey, rsa.publicKey);
  const keyPem = rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const signer = await createPdfSigner(keyPem, certificate);
  signed = Buffer.from(await signer.sign(await renderProofPdf({ ...input, isToBeSigned: true })));
});

const signatureOf = async (pdf: Uint8Array) => (await readProofPdf(pdf)).signature;
const forged = (changes: Partial<Forgery>) =>
  signedAgain(signed, { key: rsa.privateKey, certificate }, changes);

describe("protocol §8: the PAdES signature of a proof PDF is whole only when it covers the file as it is", () => {
  test("as it was issued, it is whole, and names certificate and subject", async () => {
    const { fingerprint256 } = new X509Certificate(certificate);
    expect(await signatureOf(signed)).toEqual({
      state: "whole",
      subject: "CN=Holdfast test",
      certificateSha256: fingerprint256.replaceAll(":", "").toLowerCase(),
    });
  });

  test("with any byte changed outside of the signature, it is not whole", async () => {
    const { before, after } = rangeOf(signed);
    const outside = fc.oneof(fc.nat({ max: before - 1 }), fc.integer({ min: after, max: signed.length - 1 }));
    await fc.assert(
      fc.asyncProperty(outside, fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const state = await stateOf(withFlip(signed, at, flip));
        expect(["broken", "none", "notChecked", "unreadable"]).toContain(state);
      }),
      { numRuns: 500 },
    );
  });

  test("with any byte changed inside the signature, it names no other certificate or subject", async () => {
    const whole = await signatureOf(signed);
    const { before } = rangeOf(signed);
    const used = signed.subarray(before).indexOf("000000000000000000000000");
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: used }),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const signature = await signatureOf(withFlip(signed, before + at, flip)).catch(() => null);
          if (signature?.state === "whole") expect(signature).toEqual(whole);
        },
      ),
      { numRuns: 500 },
    );
    const padded = withFlip(signed, before + used + 100, 1);
    expect(await signatureOf(padded)).toMatchObject({ why: expect.stringContaining("Something follows") });
  });

  test("with anything added to the file, even padding, it is broken, and the receipt is still there", async () => {
    for (const pdf of [updatedPdf(signed, { 900: "null" }), Buffer.concat([signed, Buffer.from("\n")])]) {
      expect(await signatureOf(pdf)).toEqual({
        state: "broken",
        why: "Something was added to the file or cut off after it was signed.",
      });
      expect(Buffer.from((await readProofPdf(pdf)).receipt)).toEqual(receiptJson);
    }
  });

  test("taken off by a later change, it is broken", async () => {
    const [, number, catalog] = /\n(\d+) 0 obj\n(<<\n\/Type \/Catalog[\s\S]*?)\nendobj/.exec(
      signed.toString("latin1"),
    )!;
    const without = updatedPdf(signed, { [number!]: catalog!.replace("/AcroForm", "/Other") });
    expect(await signatureOf(without)).toMatchObject({
      state: "broken",
      why: expect.stringContaining("took"),
    });
  });

  test("replaced by a later one, it is not checked, though the later one may cover the file", async () => {
    const text = signed.toString("latin1");
    const [, number, widget] = /\n(\d+) 0 obj\n(<<[^>]*\/FT \/Sig[\s\S]*?)\nendobj/.exec(text)!;
    const other = "<< /Type /Sig /SubFilter /ETSI.CAdES.detached /Contents <00> /ByteRange [0 1 2 3] >>";
    const replaced = updatedPdf(signed, {
      [number!]: widget!.replace(/\/V \d+ 0 R/, "/V 900 0 R"),
      900: other,
    });
    expect(await signatureOf(replaced)).toMatchObject({
      state: "notChecked",
      why: expect.stringContaining("several"),
    });
  });

  test("one of two is not checked", async () => {
    const text = signed.toString("latin1");
    const [, form, body] = /\n(\d+) 0 obj\n(<<\n\/Fields [\s\S]*?)\nendobj/.exec(text)!;
    const second = body!.replace(/\/Fields \[/, "/Fields [900 0 R ");
    const field = "<< /FT /Sig /T (Other) /V << /Type /Sig >> >>";
    const pdf = updatedPdf(signed, { [form!]: second, 900: field });
    expect(await signatureOf(pdf)).toMatchObject({
      state: "notChecked",
      why: expect.stringContaining("several"),
    });
  });
});

describe("protocol §8: PAdES signatures by other signers", () => {
  test("made as our signer makes them, they are whole", async () => {
    expect(await stateOf(await forged({}))).toBe("whole");
  });

  test("over ranges that leave out a part, they are broken, though the key signed the rest", async () => {
    const { before, after, rest } = rangeOf(signed);
    const ranges: number[][] = [
      [0, before, after, rest - 20],
      [0, before, after + 20, rest - 20],
      [0, before - 20, after, rest],
      [5, before - 5, after, rest],
      [0, before, after, rest, 0, 0],
    ];
    for (const range of ranges) expect(await stateOf(await forged({ range }))).toBe("broken");
  });

  test("with another certificate of the same issuer and number, or none, they are broken", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const swapped = await selfSignedCertificate(other.privateKey, other.publicKey);
    expect(await signatureOf(await forged({ enclosed: [swapped] }))).toMatchObject({
      state: "broken",
      why: expect.stringContaining("not the one that was signed with"),
    });
    expect(await stateOf(await forged({ enclosed: [swapped], named: swapped }))).toBe("broken");
    expect(await stateOf(await forged({ enclosed: [] }))).toBe("broken");
  });

  test("by another key than the one of the certificate, they are broken", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    expect(await signatureOf(await forged({ key: privateKey }))).toEqual({
      state: "broken",
      why: "The key of the certificate did not make the signature.",
    });
  });

  test("without one of the attributes that PAdES demands, or of other content, they are broken", async () => {
    for (const left of ["contentType", "messageDigest", "signingCertificate"] as const)
      expect(await stateOf(await forged({ without: left }))).toBe("broken");
    expect(await stateOf(await forged({ digestOf: Buffer.from("other") }))).toBe("broken");
  });

  test("with algorithms or of kinds that are not known, they are not checked", async () => {
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const ecCertificate = await selfSignedCertificate(ec.privateKey, ec.publicKey);
    const ecdsa = { name: "ECDSA", namedCurve: "P-256" };
    const byEc = {
      signedWith: ecCertificate,
      key: ec.privateKey,
      algorithm: ecdsa,
      named: ecCertificate,
      enclosed: [ecCertificate],
    };
    const signatures: PdfSignature[] = [
      await signatureOf(await forged(byEc)),
      await signatureOf(await forged({ algorithm: { name: "RSA-PSS", hash: "SHA-256" } })),
      await signatureOf(await forged({ digest: "SHA-512" })),
      await signatureOf(
        Buffer.from(
          signed.toString("latin1").replace("ETSI.CAdES.detached", "adbe.pkcs7.detached"),
          "latin1",
        ),
      ),
    ];
    for (const signature of signatures)
      expect(signature).toMatchObject({
        state: "notChecked",
        why: expect.stringMatching(/^The signature .*\.$/),
      });
  });
});

describe.skipIf(skippedForPoppler !== null)(`as poppler sees it ${skippedForPoppler ?? ""}`, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-pdfsig-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Whether poppler finds a signature that is valid and over the whole file. */
  const isWholeForPoppler = (pdf: Uint8Array) => {
    const file = join(folder, "proof.pdf");
    writeFileSync(file, pdf);
    const report = poppler("pdfsig", "-nocert", file);
    return report.includes("Signature is Valid") && report.includes("Total document signed");
  };

  test("a signature is whole for the verifier exactly when it is for poppler", async () => {
    const { before, after, rest } = rangeOf(signed);
    const page = signed.indexOf("stream\n") + 20;
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const swapped = await selfSignedCertificate(other.privateKey, other.publicKey);
    const pdfs = {
      genuine: signed,
      again: await forged({}),
      page: withFlip(signed, page, 1),
      updated: updatedPdf(signed, { 900: "null" }),
      shortened: await forged({ range: [0, before, after, rest - 20] }),
      digest: await forged({ digestOf: Buffer.from("other") }),
      key: await forged({ key: other.privateKey }),
      swapped: await forged({ enclosed: [swapped], named: swapped }),
    };
    const ours: Record<string, boolean> = {};
    const theirs: Record<string, boolean> = {};
    for (const [name, pdf] of Object.entries(pdfs)) {
      ours[name] = (await stateOf(pdf)) === "whole";
      theirs[name] = isWholeForPoppler(pdf);
    }
    expect(ours).toEqual(theirs);
    expect(theirs).toMatchObject({ genuine: true, again: true, page: false });
  });
});

async function stateOf(pdf: Uint8Array): Promise<PdfSignature["state"] | "unreadable"> {
  try {
    return (await signatureOf(pdf)).state;
  } catch (error) {
    if (error instanceof UnreadablePdfError) return "unreadable";
    throw error;
  }
}

function withFlip(pdf: Buffer, at: number, flip: number): Buffer {
  const changed = Buffer.from(pdf);
  changed[at]! ^= flip;
  return changed;
}
