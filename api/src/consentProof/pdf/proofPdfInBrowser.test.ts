import { generateKeyPairSync } from "node:crypto";
import { deflateSync } from "node:zlib";
import { build } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { selfSignedCertificate } from "#test/support/certificate.ts";
import {
  PROOF as proof,
  RECEIPT_JSON as receiptJson,
  PROOF_URLS as urls,
} from "#test/support/consentProof.ts";
import { pdfOf, streamBody, updatedPdf } from "#test/support/pdfFile.ts";
import { readProofPdf } from "#verifier/pdf/readProofPdf.ts";
import { launchBrowser, skippedFor } from "../../../../verifier/page/testBrowser.ts";
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

describe.skipIf(skippedFor !== null)(`protocol §8: a proof PDF in a browser ${skippedFor ?? ""}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  /**
   * The result of reading on a page at this address. No server is asked: the address decides whether
   * the page has WebCrypto.
   */
  async function readAt(url: string, pdf: Uint8Array) {
    const page = await browser.newPage();
    await page.route(url, (route) =>
      route.fulfill({ contentType: "text/html", body: "<title>Test</title>" }),
    );
    await page.goto(url);
    await page.addScriptTag({ content: await bundledReader() });
    const base64 = Buffer.from(pdf).toString("base64");
    const read = await page.evaluate(async (text) => {
      const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      const reader = globalThis as unknown as { readProofPdf: typeof readProofPdf };
      const outcome = await reader.readProofPdf(bytes).catch(String);
      return typeof outcome === "string" ? outcome : { ...outcome, receipt: [...outcome.receipt] };
    }, base64);
    await page.close();
    return read;
  }

  test("receipt and signature are read as in Node", async () => {
    const expected = await readProofPdf(signed);
    const receipt = [...receiptJson];
    expect(await readAt("https://holdfast.example/", signed)).toEqual({ ...expected, receipt });
  });

  test("protocol §8: on a page without WebCrypto, the receipt is read and the signature is not checked", async () => {
    const read = await readAt("http://holdfast.example/", signed);
    expect(read).toMatchObject({ receipt: [...receiptJson], signature: { state: "notChecked" } });
    const changed = await readAt("http://holdfast.example/", updatedPdf(signed, { 900: "null" }));
    expect(changed).toMatchObject({ signature: { state: "broken" } });
  });

  test("a receipt that inflates to a gigabyte is refused", async () => {
    const bomb = deflateSync(Buffer.alloc(1_000_000_000));
    const pdf = pdfOf([
      "<< /Type /Catalog /AF [<< /UF (receipt.json) /EF << /F 2 0 R >> >>] >>",
      streamBody(bomb, "/Filter /FlateDecode"),
    ]);
    expect(await readAt("https://holdfast.example/", pdf)).toMatch(/larger than 1 MiB/);
  });
});

async function bundledReader(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents:
        'import { readProofPdf } from "#verifier/pdf/readProofPdf.ts"; globalThis.readProofPdf = readProofPdf;',
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: "iife",
    platform: "browser",
    write: false,
  });
  return outputFiles[0]!.text;
}
