import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { streamBody, updatedPdf } from "#test/support/pdfFile.ts";
import { savedByQpdf, skippedForQpdf } from "#test/support/qpdf.ts";
import { attachedPdf, RECEIPT_BYTES as RECEIPT, smallPdf } from "#test/support/receiptPdf.ts";
import { readProofPdf, UnreadablePdfError } from "./readProofPdf.ts";

const receiptOf = async (pdf: Uint8Array) => Buffer.from((await readProofPdf(pdf)).receipt);

/** Why it is refused. */
async function refusal(pdf: Uint8Array): Promise<string> {
  const error = await readProofPdf(pdf).then(
    () => new Error("it was read"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UnreadablePdfError);
  return (error as Error).message;
}

test("a receipt is read from PDFs with and without object streams", async () => {
  for (const useObjectStreams of [true, false]) {
    const proof = await readProofPdf(await attachedPdf(useObjectStreams));
    expect(Buffer.from(proof.receipt)).toEqual(RECEIPT);
    expect(proof).toMatchObject({ signature: { state: "none" }, hasLaterRevisions: false });
  }
});

test("a receipt is read beside other attachments, by name tree or as associated file", async () => {
  expect(await receiptOf(await attachedPdf(true, ["a.txt", "receipt.json", "z.txt"]))).toEqual(RECEIPT);
  expect(await receiptOf(smallPdf())).toEqual(RECEIPT);
  const tree = "/Names << /EmbeddedFiles << /Kids [4 0 R] >> >>";
  const leaf = "<< /Limits [(r) (s)] /Names [(receipt.json) 2 0 R] >>";
  expect(await receiptOf(smallPdf({ catalog: tree, more: [leaf] }))).toEqual(RECEIPT);
  const unnamed = "/Type /Filespec /EF << /F 3 0 R >>";
  expect(await receiptOf(smallPdf({ catalog: tree, specification: unnamed, more: [leaf] }))).toEqual(RECEIPT);
});

test("file names are read as PDF text: with escapes, in hexadecimal, in UTF-16 and UTF-8", async () => {
  const utf16 = `<feff${Buffer.from("receipt.json", "utf16le").swap16().toString("hex")}>`;
  const utf8 = `<efbbbf${Buffer.from("receipt.json").toString("hex")}>`;
  for (const name of ["(receipt\\056json)", "(rec\\\neipt.json)", utf16, utf8]) {
    const specification = `/Type /Filespec /U#46 ${name} /EF << /F 3 0 R >>`;
    expect(await receiptOf(smallPdf({ specification }))).toEqual(RECEIPT);
  }
});

test("hybrid files are read: objects that only the cross-reference stream lists", async () => {
  const plain = smallPdf();
  const specification = plain.indexOf("2 0 obj");
  const rows = Buffer.alloc(4);
  rows.writeUInt32BE((1 << 24) | specification);
  const hidden = Buffer.concat([
    Buffer.from("9 0 obj\n"),
    streamBody(rows, "/Type /XRef /W [1 3 0] /Index [2 1] /Size 4"),
    Buffer.from("\nendobj\n"),
  ]);
  const at = plain.indexOf("xref\n");
  const text = plain.subarray(at).toString("latin1");
  const tail = text
    .replace(/2 1\n\d{10} 00000 n /, "2 1\n0000000000 00000 f ")
    .replace("/Root", `/XRefStm ${at} /Root`)
    .replace(/startxref\n\d+/, `startxref\n${at + hidden.length}`);
  expect(await receiptOf(Buffer.concat([plain.subarray(0, at), hidden, Buffer.from(tail)]))).toEqual(RECEIPT);
});

describe.skipIf(skippedForQpdf !== null)(`PDFs that QPDF saved again ${skippedForQpdf ?? ""}`, () => {
  const options = [["--object-streams=generate"], ["--linearize"], ["--qdf"], ["--compress-streams=n"]];
  test.each(options)("a receipt is read from a PDF that qpdf %s saved", async (...given) => {
    for (const useObjectStreams of [true, false]) {
      const proof = await readProofPdf(savedByQpdf(await attachedPdf(useObjectStreams), ...given));
      expect(Buffer.from(proof.receipt)).toEqual(RECEIPT);
      expect(proof.hasLaterRevisions).toBe(false);
    }
  });

  test("a linearized file has later revisions only after an update", async () => {
    const linearized = savedByQpdf(await attachedPdf(true), "--linearize");
    const updated = updatedPdf(linearized, { 900: "<< /Type /Annot >>" });
    expect(await readProofPdf(updated)).toMatchObject({ hasLaterRevisions: true });
    expect(await receiptOf(updated)).toEqual(RECEIPT);
  });

  test("an encrypted PDF is refused with its own reason", async () => {
    const encrypted = savedByQpdf(await attachedPdf(true), "--encrypt", "", "owner", "256", "--");
    expect(await refusal(encrypted)).toMatch(/^The PDF is encrypted: /);
  });
});

describe("protocol §8: later revisions of a PDF", () => {
  test("an annotation that was added later leaves the receipt readable", async () => {
    const once = updatedPdf(await attachedPdf(false), { 90: "<< /Type /Annot /Subtype /Text >>" });
    const twice = updatedPdf(once, { 91: "<< /Type /Annot /Subtype /Text >>" });
    for (const pdf of [once, twice]) {
      expect(await receiptOf(pdf)).toEqual(RECEIPT);
      expect(await readProofPdf(pdf)).toMatchObject({ hasLaterRevisions: true });
    }
  });

  test("a receipt that was replaced later is refused, also when it was replaced back", async () => {
    const replaced = updatedPdf(smallPdf(), { 3: streamBody(Buffer.from("{}")) });
    expect(await refusal(replaced)).toMatch(/two different receipts, because a later change/);
    expect(await refusal(updatedPdf(replaced, { 3: streamBody(RECEIPT) }))).toMatch(/two different receipts/);
  });

  test("the newest revision counts: a receipt that was taken out is not there", async () => {
    expect(await refusal(updatedPdf(smallPdf(), { 1: "<< /Type /Catalog >>" }))).toMatch(/no attachment/);
  });
});

describe("protocol §8: a PDF that gives no receipt is refused, each with its own reason", () => {
  test("no receipt, two different ones, and one that is not what was embedded", async () => {
    expect(await refusal(await attachedPdf(true, ["other.json"]))).toMatch(/^The PDF has no attachment/);
    const other = ["<< /UF (receipt.json) /EF << /F 5 0 R >> >>", streamBody(Buffer.from("{}"))];
    expect(await refusal(smallPdf({ catalog: "/AF [2 0 R 4 0 R]", more: other }))).toMatch(
      /^The PDF holds two different receipts: /,
    );
    const twice = ["<< /UF (receipt.json) /EF << /F 5 0 R >> >>", streamBody(RECEIPT)];
    expect(await receiptOf(smallPdf({ catalog: "/AF [2 0 R 4 0 R]", more: twice }))).toEqual(RECEIPT);
    const checksum = `/Params << /CheckSum <${"00".repeat(16)}> >>`;
    for (const entries of [checksum, "/Params << /Size 7 >>"])
      expect(await refusal(smallPdf({ file: streamBody(RECEIPT, entries) }))).toMatch(
        /not what was embedded/,
      );
  });

  test("no PDF, one that ends in the middle, and one that something follows", async () => {
    const pdf = smallPdf();
    expect(await refusal(Buffer.from("{}"))).toMatch(/^The file is no PDF/);
    expect(await refusal(pdf.subarray(0, -8))).toMatch(/ends in the middle/);
    expect(await refusal(Buffer.concat([pdf, Buffer.from("x")]))).toMatch(/^Bytes follow the end/);
    expect(await refusal(updatedPdf(pdf, { 9: "null" }).subarray(0, -8))).toMatch(/was cut off/);
    expect(await refusal(Buffer.concat([pdf, pdf]))).toMatch(/^Another PDF is appended/);
    expect(await receiptOf(Buffer.concat([pdf, Buffer.from("\r\n\0\0")]))).toEqual(RECEIPT);
  });

  test("bytes that belong to no revision", async () => {
    const pdf = smallPdf().toString("latin1");
    const startXref = /startxref\n\d+\n%%EOF\n/.exec(pdf)![0];
    expect(await refusal(Buffer.from(`${pdf}9 0 obj null endobj\n${startXref}`))).toMatch(
      /^Something is appended/,
    );
  });

  test("more than 32 MiB", async () => {
    const large = smallPdf({ more: [streamBody(Buffer.alloc(33_554_432))] });
    expect(await refusal(large)).toMatch(/larger than 32 MiB/);
  });

  test("filters that are not known, and data that is damaged", async () => {
    const file = (data: Uint8Array, entries: string) => smallPdf({ file: streamBody(data, entries) });
    expect(await refusal(file(RECEIPT, "/Filter /LZWDecode"))).toMatch(/does not read/);
    const deflated = deflateSync(RECEIPT);
    expect(await receiptOf(file(deflated, "/Filter [/FlateDecode]"))).toEqual(RECEIPT);
    expect(await refusal(file(deflated.subarray(0, -3), "/Filter /FlateDecode"))).toMatch(/is damaged/);
    const twice = deflateSync(deflated);
    expect(await refusal(file(twice, "/Filter [/FlateDecode /FlateDecode]"))).toMatch(/does not read/);
  });
});
