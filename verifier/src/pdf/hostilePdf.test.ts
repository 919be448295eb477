import { createDeflate, deflateSync } from "node:zlib";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { pdfOf, streamBody, updatedPdf, xrefStreamPdf } from "#test/support/pdfFile.ts";
import { attachedPdf, RECEIPT_BYTES, smallPdf } from "#test/support/receiptPdf.ts";
import { readProofPdf, UnreadablePdfError } from "./readProofPdf.ts";

/** Generous for a slow machine; whatever grows with the square of a file's size takes minutes. */
const MS_MAX = 10_000;

/** The receipt, or why there is none. Fails on any other error, and when it took long. */
async function outcomeOf(pdf: Uint8Array): Promise<Buffer | string> {
  const started = performance.now();
  const outcome = await readProofPdf(pdf).then(
    ({ receipt }) => Buffer.from(receipt),
    (error: unknown) => {
      if (error instanceof UnreadablePdfError) return error.message;
      throw error;
    },
  );
  expect(performance.now() - started).toBeLessThan(MS_MAX);
  return outcome;
}

describe("protocol §8: a hostile PDF ends in a refusal, soon and with little memory", () => {
  const flate = "/Filter /FlateDecode";
  let bomb: Buffer;
  beforeAll(async () => {
    bomb = await deflatedSpaces(1_000);
    expect(bomb.length).toBeLessThan(1_050_000);
  });

  test("a megabyte that inflates to a gigabyte, wherever it stands", async () => {
    const peakBefore = process.resourceUsage().maxRSS;
    expect(await outcomeOf(smallPdf({ file: streamBody(bomb, flate) }))).toMatch(/larger than 1 MiB/);
    const packed = xrefStreamPdf(
      { 1: "<< /Type /Catalog /AF [7 0 R] >>", 2: streamBody(bomb, `${flate} /Type /ObjStm /N 1 /First 4`) },
      { 7: [2, 2, 0] },
    );
    expect(await outcomeOf(packed)).toMatch(/far more work/);
    const section = streamBody(bomb, `${flate} /Type /XRef /W [1 2 1] /Size 2`);
    const start = smallPdf({ more: [section] });
    const at = start.indexOf("4 0 obj");
    expect(await outcomeOf(withStartXref(start, at))).toMatch(/far more work/);
    const kilobytes = process.resourceUsage().maxRSS - peakBefore;
    expect(kilobytes).toBeLessThan(250_000);
  });

  test("many small bombs, each below the limit of a receipt", async () => {
    const small = deflateSync(Buffer.alloc(1_000_000, 0x20));
    const pairs = Array.from({ length: 200 }, (_, index) => [
      `<< /UF (receipt.json) /EF << /F ${5 + 2 * index} 0 R >> >>`,
      streamBody(small, flate),
    ]).flat();
    const references = Array.from({ length: 200 }, (_, index) => `${4 + 2 * index} 0 R`).join(" ");
    expect(await outcomeOf(smallPdf({ catalog: `/AF [${references}]`, more: pairs }))).toMatch(
      /far more work/,
    );
  });

  test("cross-reference sections, trees, lengths and object streams that run in a circle", async () => {
    const pdf = smallPdf();
    const ownStart = /startxref\n(\d+)/.exec(pdf.toString("latin1"))![1];
    expect(await outcomeOf(smallPdf({ trailer: `/Prev ${ownStart}` }))).toMatch(/run in a circle/);
    const tree = "/Names << /EmbeddedFiles 4 0 R >>";
    const kids = "<< /Kids [4 0 R 4 0 R] >>";
    expect(await outcomeOf(smallPdf({ catalog: tree, more: [kids] }))).toMatch(/far more work/);
    const form = "/AF [2 0 R] /AcroForm << /Fields [4 0 R] >>";
    expect(await outcomeOf(smallPdf({ catalog: form, more: [kids] }))).toMatch(/far more work/);
    const itsOwnLength = Buffer.from("<< /Length 3 0 R >>\nstream\n\nendstream");
    expect(await outcomeOf(smallPdf({ file: itsOwnLength }))).toMatch(/in a circle/);
    expect(await outcomeOf(smallPdf({ more: ["4 0 R"], catalog: "/AF [4 0 R]" }))).toMatch(/a reference/);
    const inItself = xrefStreamPdf({ 1: "<< /Type /Catalog /AF [7 0 R] >>" }, { 7: [2, 7, 0] });
    expect(await outcomeOf(inItself)).toMatch(/object stream is missing/);
  });

  test("one long list that a tree names again and again", async () => {
    const leaf = `<< /Names [${"(a) 9 0 R ".repeat(100_000)}] >>`;
    const root = `<< /Kids [${"5 0 R ".repeat(10_000)}] >>`;
    const catalog = "/Names << /EmbeddedFiles 4 0 R >>";
    expect(await outcomeOf(smallPdf({ catalog, more: [root, leaf] }))).toMatch(/far more work/);
  });

  test("long strings that many entries name", async () => {
    const long = `(${"a".repeat(3_000_000)})`;
    const named = "<< /UF 4 0 R /EF << >> >> ".repeat(30_000);
    expect(await outcomeOf(smallPdf({ catalog: `/AF [${named}]`, more: [long] }))).toEqual(
      expect.any(String),
    );
    const pairs = `<< /Names [${"4 0 R 9 0 R ".repeat(100_000)}] >>`;
    const tree = "/Names << /EmbeddedFiles 5 0 R >>";
    expect(await outcomeOf(smallPdf({ catalog: tree, more: [long, pairs] }))).toEqual(expect.any(String));
  });

  test("digits, brackets, comments and objects without an end", async () => {
    const endings = ["1", "[", "<<", "(", "%", "1 0 obj\n<<>>\nstream\n", "1 0 R "];
    for (const ending of endings) {
      const body = ending.repeat(Math.floor(3_000_000 / ending.length));
      expect(await outcomeOf(smallPdf({ catalog: `/AF 4 0 R /X ${body}` }))).toEqual(expect.any(String));
      expect(await outcomeOf(pdfOf([body]))).toEqual(expect.any(String));
      expect(await outcomeOf(Buffer.from(`%PDF-1.7\n${body}`))).toEqual(expect.any(String));
    }
  });

  test("objects that overlap, each almost as long as the file", async () => {
    const numbers = Array.from({ length: 20_000 }, (_, index) => index + 2);
    const references = numbers.map((number) => `${number} 0 R`).join(" ");
    let body = `%PDF-1.7\n1 0 obj << /AF [${references}] >> endobj\n`;
    let entries = "1 1\n0000000009 00000 n \n";
    const opened: string[] = [];
    let at = body.length;
    for (const number of numbers) {
      entries += `${number} 1\n${at} 00000 n \n`;
      opened.push(`${number} 0 obj(`);
      at += opened.at(-1)!.length;
    }
    body += `${opened.join("")}${")endobj ".repeat(numbers.length)}\n`;
    const end = `xref\n${entries}trailer << /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF`;
    expect(await outcomeOf(Buffer.from(body + end))).toMatch(/far more work/);
  });

  test("cross-reference streams with rows of no width or without end", async () => {
    const sectionOf = (entries: string) => {
      const pdf = smallPdf({ more: [streamBody(Buffer.alloc(100), `/Type /XRef ${entries}`)] });
      return withStartXref(pdf, pdf.indexOf("4 0 obj"));
    };
    for (const entries of ["/W [0 0 0] /Size 999999999", "/W [1 1 1] /Size 999999999", "/W [1 99 1] /Size 1"])
      expect(await outcomeOf(sectionOf(entries))).toMatch(/list of its objects/);
    const predicted = `/W [1 1 1] /Size 1 ${flate} /DecodeParms << /Predictor 12 /Columns 999999999 >>`;
    expect(await outcomeOf(sectionOf(predicted))).toEqual(expect.any(String));
  });
});

describe("protocol §8: damage to a PDF is found: the receipt is the one that was embedded, or there is none", () => {
  let pdfs: Buffer[];
  beforeAll(async () => {
    const [packed, plain] = [await attachedPdf(true), await attachedPdf(false)];
    pdfs = [packed, plain, updatedPdf(plain, { 90: "<< /Type /Annot >>" })];
  });
  const anyPdf = fc.nat({ max: 2 }).map((index) => pdfs[index]!);
  const sound = async (pdf: Uint8Array) => {
    const outcome = await outcomeOf(pdf);
    if (typeof outcome !== "string") expect(outcome).toEqual(RECEIPT_BYTES);
  };

  test("after any truncation", async () => {
    await fc.assert(
      fc.asyncProperty(anyPdf, fc.nat(), (pdf, cut) => sound(pdf.subarray(0, cut % pdf.length))),
      { numRuns: 300 },
    );
  });

  test("after a change of any one byte", async () => {
    await fc.assert(
      fc.asyncProperty(anyPdf, fc.nat(), fc.integer({ min: 1, max: 255 }), (pdf, at, flip) => {
        const changed = Buffer.from(pdf);
        changed[at % pdf.length]! ^= flip;
        return sound(changed);
      }),
      { numRuns: 1_000 },
    );
  });

  test("PDF syntax put in or taken out anywhere gives a receipt or a refusal, and no other error", async () => {
    const syntax = [
      "<<",
      ">>",
      "[",
      "]",
      "(",
      ")",
      "<",
      ">",
      "/",
      "%",
      "\n",
      "0 ",
      "-1 ",
      "9".repeat(30),
      " R",
    ];
    const words = [
      "stream\n",
      "endstream",
      " obj",
      "endobj",
      "xref\n",
      "trailer",
      "startxref\n",
      "%%EOF",
      "null",
    ];
    const insertion = fc.oneof(fc.constantFrom(...syntax, ...words), fc.string({ unit: "binary" }));
    await fc.assert(
      fc.asyncProperty(anyPdf, fc.nat(), fc.nat({ max: 40 }), insertion, async (pdf, from, length, text) => {
        const at = from % pdf.length;
        const rest = pdf.subarray(at + length);
        await outcomeOf(Buffer.concat([pdf.subarray(0, at), Buffer.from(text), rest]));
      }),
      { numRuns: 1_000 },
    );
  });

  test("arbitrary bytes after the header", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 400 }), async (bytes, at) => {
        const head = Buffer.concat([Buffer.from("%PDF-1.7\n"), bytes]);
        expect(await outcomeOf(withStartXref(head, at))).toEqual(expect.any(String));
      }),
    );
  });
});

/** The file up to its end, with another place of its cross-reference section. */
function withStartXref(pdf: Buffer, at: number): Buffer {
  const end = pdf.lastIndexOf("xref\n0 1");
  return Buffer.concat([
    pdf.subarray(0, end < 0 ? pdf.length : end),
    Buffer.from(`startxref\n${at}\n%%EOF\n`),
  ]);
}

/** Made piece by piece, so that making it does not take the memory that reading it must not take. */
async function deflatedSpaces(megabytes: number): Promise<Buffer> {
  const deflate = createDeflate({ level: 9 });
  const piece = Buffer.alloc(1_000_000, 0x20);
  const chunks: Buffer[] = [];
  deflate.on("data", (chunk: Buffer) => chunks.push(chunk));
  for (let written = 0; written < megabytes; written++)
    await new Promise<void>((resolve) => deflate.write(piece, () => resolve()));
  await new Promise<void>((resolve) => deflate.end(resolve));
  return Buffer.concat(chunks);
}
