import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  PROOF as proof,
  RECEIPT_JSON as receiptJson,
  PROOF_URLS as urls,
} from "#test/support/consentProof.ts";
import { poppler, skippedForPoppler } from "#test/support/poppler.ts";
import { readReceiptAttachment, UnreadablePdfError } from "#verifier/pdfAttachment.ts";
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
  expect(Buffer.from(await readReceiptAttachment(await render()))).toEqual(receiptJson);
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
    const text = textOf(file).replace(/Consentproofrcpt_7f3a·Page\d+of\d+/g, "");
    expect(text).toContain(tcfString);
    expect(text).toContain(pageUrl);
    expect(Number(/Pages:\s+(\d+)/.exec(poppler("pdfinfo", file))![1])).toBeGreaterThan(2);
    expect(poppler("pdftotext", file, "-")).not.toContain("Syntax");
  });

  test("OS-2: any recorded text is shown whole, with an escape for what cannot be seen", async () => {
    // Text extraction composes and decomposes characters, and reorders scripts that run to the left; what it leaves alone tells
    // what was drawn.
    const stable = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 60 })
      .map((text) => text.replace(/\s/g, "_"))
      .filter((text) => ["NFC", "NFD", "NFKC", "NFKD"].every((form) => text.normalize(form) === text))
      .filter((text) => !/[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Nko}]/u.test(text));
    await fc.assert(
      fc.asyncProperty(stable, async (visitorId) => {
        const text = poppler("pdftotext", "-raw", await fileOf({ visitorId }), "-");
        const shown = /Visitor ID([\s\S]*?)Consent date/.exec(text)![1]!.replace(/\s/g, "");
        const unescaped = shown.replace(/\\u\{([0-9a-f]+)\}/g, (_, hex) =>
          String.fromCodePoint(Number.parseInt(hex, 16)),
        );
        expect(unescaped).toBe(visitorId);
      }),
      { numRuns: 25 },
    );
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

describe("the verifier reads the embedded receipt of a PDF with care", () => {
  const attached = (data: Buffer, stream: string) =>
    Buffer.concat([
      Buffer.from(`%PDF-1.7\n7 0 obj\n<< /Type /EmbeddedFile ${stream} >>\nstream\n`),
      data,
      Buffer.from(
        "\nendstream\nendobj\n8 0 obj\n<< /Type /Filespec /EF << /F 7 0 R >> /UF (receipt.json) >>\nendobj\n%%EOF",
      ),
    ]);
  const code = (pdf: Buffer) =>
    readReceiptAttachment(pdf).then(
      () => "read",
      (error: unknown) => (error instanceof UnreadablePdfError ? error.message : error),
    );

  test("without a receipt, with two of that name, damaged, or encoded otherwise, it is refused", async () => {
    const deflated = deflateSync("{}");
    const flate = `/Filter /FlateDecode /Length ${deflated.length}`;
    expect(await code(attached(deflated, flate))).toBe("read");
    expect(await code(Buffer.from("%PDF-1.7\n%%EOF"))).toMatch(/no embedded receipt.json/);
    const other = Buffer.from(
      "9 0 obj\n<< /Type /Filespec /EF << /F 6 0 R >> /UF (receipt.json) >>\nendobj\n",
    );
    expect(await code(Buffer.concat([attached(deflated, flate), other]))).toMatch(/several files/);
    expect(await code(attached(Buffer.from("no zlib data"), "/Filter /FlateDecode /Length 12"))).toMatch(
      /damaged/,
    );
    expect(await code(attached(deflated, `/Filter /LZWDecode /Length ${deflated.length}`))).toMatch(
      /cannot be read/,
    );
    expect(await code(attached(deflated, "/Filter /FlateDecode /Length 5 0 R"))).toMatch(/cannot be read/);
  });

  test("one that unpacks to more than a megabyte is refused without being unpacked", async () => {
    const bomb = deflateSync(Buffer.alloc(200_000_000));
    expect(await code(attached(bomb, `/Filter /FlateDecode /Length ${bomb.length}`))).toMatch(/too large/);
  });

  test("arbitrary bytes are refused and never throw otherwise", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (bytes) => {
        const pdf = Buffer.concat([
          Buffer.from("%PDF-1.7\n"),
          bytes,
          Buffer.from("/Type /Filespec (receipt.json) endobj"),
        ]);
        expect(await code(pdf)).toEqual(expect.any(String));
      }),
    );
  });
});
