import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  PROOF as proof,
  RECEIPT_JSON as receiptJson,
  PROOF_URLS as urls,
} from "#test/support/consentProof.ts";
import { poppler, skippedForPoppler } from "#test/support/poppler.ts";
import { readProofPdf } from "#verifier/pdf/readProofPdf.ts";
import type { ConsentProof } from "./proof.ts";
import { renderProofPdf } from "./renderProofPdf.ts";
import type { ProofLanguage } from "./words.ts";

const render = (changed: Partial<ConsentProof> = {}, language: ProofLanguage = "en") =>
  renderProofPdf({ proof: { ...proof, ...changed }, language, receiptJson, urls });

test("OS: the same record gives the same bytes", async () => {
  const [first, second] = [await render(), await render()];
  expect(Buffer.compare(first, second)).toBe(0);
});

test("OS: a PDF carries its receipt, byte for byte, and the verifier finds it", async () => {
  expect(Buffer.from((await readProofPdf(await render())).receipt)).toEqual(receiptJson);
});

describe.skipIf(skippedForPoppler !== null)(`OS-2 ${skippedForPoppler ?? ""}`, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-pdf-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function fileOf(
    changed: Partial<ConsentProof> = {},
    language: ProofLanguage = "en",
  ): Promise<string> {
    const file = join(folder, "proof.pdf");
    writeFileSync(file, await render(changed, language));
    return file;
  }
  /** Text as a reader copies it, without the breaks that pages and lines put into it. */
  const textOf = (file: string) => poppler("pdftotext", "-raw", file, "-").replace(/\s+/g, "");
  const without = (text: string) => text.replace(/\s+/g, "");

  test("OS-2: the document shows every part of the record as text", async () => {
    const text = textOf(await fileOf());
    const shown = [
      proof.receiptId,
      proof.recordSha256,
      proof.domain,
      proof.visitorId,
      "Consent date 2026-11-20 10:30:00 UTC",
      "Expiry date 2027-11-20 10:30:00 UTC",
      "Action Custom selection",
      "Necessary ✓ given",
      "Functional ✓ given",
      "Analytics ✗ refused",
      "Advertising ✗ refused",
      "Performance – not asked",
      "Banner mode opt-in",
      "Page URL https://shop.example/čokolada",
      "Country RS",
      "Language sr",
      "signal detected, not honoured",
      "203.0.113.0",
      proof.tcfString!,
      proof.acString!,
      proof.gppString!,
      "The TCF string contradicts the recorded categories.",
      "HMAC-SHA256",
      proof.signature.value,
      "Chain ID 137",
      proof.anchor!.contractAddress,
      proof.anchor!.txHash,
      "Block 65432100",
      proof.anchor!.merkleRoot,
      "Leaf 42 of 5000",
      urls.receiptPage,
    ];
    for (const one of shown) expect(text).toContain(without(one));
  });

  test.each([
    ["accept_all", "Accept all"],
    ["reject_all", "Reject all"],
    ["gpc_auto_applied", "GPC auto-applied"],
    ["dismissed", "Dismissed"],
  ] as const)("OS-2: the action %s reads %s", async (action, words) => {
    expect(textOf(await fileOf({ action }))).toContain(without(`Action ${words}`));
  });

  test("OS-2: long strings wrap over pages, and nothing is cut", async () => {
    const tcfString = Array.from({ length: 900 }, (_, index) => `A${index}-Z`).join("_");
    const pageUrl = `https://shop.example/${Array.from({ length: 300 }, (_, index) => `p${index}`).join("/")}`;
    const file = await fileOf({ tcfString, pageUrl });
    const text = poppler("pdftotext", file, "-")
      .replace(/^Consent proof rcpt_7f3a +· +Page \d+ of \d+$/gm, "")
      .replace(/\s/g, "");
    expect(text).toContain(tcfString);
    expect(text).toContain(pageUrl);
    expect(Number(/Pages:\s+(\d+)/.exec(poppler("pdfinfo", file))![1])).toBeGreaterThan(2);
    expect(poppler("pdftotext", file, "-")).not.toContain("Syntax");
  });

  test("OS-2: a turn of the reading direction shows as an escape", async () => {
    expect(textOf(await fileOf({ pageUrl: "https://shop.example/\u202Efdp.exe" }))).toContain(
      "\\u{202e}fdp.exe",
    );
  });

  test("OS-1: ?lang gives Serbian in Latin and in Cyrillic script", async () => {
    expect(textOf(await fileOf({}, "sr"))).toContain(without("Dokaz o saglasnosti"));
    const cyrillic = await fileOf({}, "sr-Cyrl");
    expect(textOf(cyrillic)).toContain(without("Доказ о сагласности"));
    expect(textOf(cyrillic)).toContain(without("Радња Прилагођен избор"));
    expect(readFileSync(cyrillic, "latin1")).toContain("/Lang (sr-Cyrl)");
  });

  test("OS: a document that is not anchored yet says so, and where the final one is", async () => {
    const text = textOf(await fileOf({ anchor: null }));
    expect(text).toContain(without("Not yet anchored"));
    expect(text).toContain(urls.proofPdf);
  });

  test("protocol §7: a document without the service's statement of origin says that nothing shows who recorded it", async () => {
    const missing = without("Nothing in this document shows who recorded this");
    expect(textOf(await fileOf({ hasOrigin: false }))).toContain(missing);
    const stated = textOf(await fileOf());
    expect(stated).not.toContain(missing);
    expect(stated).toContain(without("The signed statement of the service that recorded this"));
  });

  test("OS: the document is tagged, has title and language, and embeds every font", async () => {
    const file = await fileOf();
    const info = poppler("pdfinfo", file);
    expect(info).toMatch(/Title:\s+Consent proof rcpt_7f3a/);
    expect(info).toMatch(/Tagged:\s+yes/);
    const structure = poppler("pdfinfo", "-struct-text", file);
    expect(structure).toContain('"Consent proof"');
    expect(structure).toMatch(/TR\s+TH[^"]*"Receipt ID"\s+TD[^"]*"rcpt_7f3a"/);
    const fonts = poppler("pdffonts", file).trim().split("\n").slice(2);
    expect(fonts.length).toBeGreaterThan(0);
    for (const font of fonts) expect(font).toMatch(/DejaVu.*yes yes yes/);
    expect(readFileSync(file, "latin1")).toContain("<pdfaid:part>3</pdfaid:part>");
  });

  test("OS: other software takes the receipt out of the PDF too", async () => {
    const file = await fileOf();
    const out = join(folder, "receipt.json");
    poppler("pdfdetach", "-savefile", "receipt.json", "-o", out, file);
    expect(readFileSync(out)).toEqual(receiptJson);
  });
});
