import { describe, expect, test } from "vitest";
import { contentOfFile, type FileContent, UnreadableFileError } from "./receiptFile.ts";

const A = `0x${"a1".repeat(32)}`;
const B = `0x${"b2".repeat(32)}`;
const receipt = { hash: A, anchor: {}, proof: [] };
const utf8 = (text: string) => new TextEncoder().encode(text);

describe("protocol §8: an answer of GET /v1/verify stands for the receipt in it only when it is about that", () => {
  const inFile = (value: unknown) => (contentOfFile(utf8(JSON.stringify(value))) as FileContent).receipt;

  test.each([
    ["the receipt alone", receipt],
    ["an answer about its hash", { verified: true, hash: A, receipt }],
    ["an answer in another spelling of its hash", { verified: true, hash: A.toUpperCase(), receipt }],
    ["a receipt with what goes along with it", { receipt, disclosures: [], _sd: [] }],
    ["an answer with both inside of `data`", { data: { receipt, disclosures: [], _sd: [] } }],
  ])("%s holds it", (_, value) => {
    expect(inFile(value)).toEqual(receipt);
  });

  test.each([
    ["about another hash", { verified: true, hash: B, receipt }],
    ["about no hash", { verified: true, hash: null, receipt }],
    ["that says nothing is verified", { verified: false, hash: A, receipt }],
  ])("an answer %s holds none", (_, value) => {
    expect(inFile(value)).toBeNull();
  });
});

describe("protocol §8: what only was saved by another program is still read", () => {
  const text = JSON.stringify(receipt);
  const utf16 = (bigEndian: boolean) => {
    const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
    return bigEndian ? bytes.swap16() : bytes;
  };
  test.each<[string, Uint8Array]>([
    ["with a byte order mark", utf8(`\ufeff${text}`)],
    ["with other line ends and blanks around", utf8(`\r\n ${JSON.stringify(receipt, null, 4)}\r\n`)],
    ["in UTF-16, as PowerShell writes it", utf16(false)],
    ["in UTF-16 of the other order", utf16(true)],
    ["as a list of one, as a query answers it", utf8(`[${text}]`)],
  ])("%s", (_, bytes) => {
    expect((contentOfFile(bytes) as FileContent).receipt).toEqual(receipt);
  });

  test("an answer without a receipt is one that is not anchored yet", () => {
    const answer = { verified: false, status: "pending", hash: A, receipt: null };
    expect((contentOfFile(utf8(JSON.stringify(answer))) as FileContent).receipt).toBeUndefined();
  });
});

describe("protocol §8: a file of another kind is told what it is, and which tool reads it", () => {
  const ots = Buffer.from("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e8929401", "hex");
  const attestation = { sig: { domain: {}, primaryType: "Attest" }, signer: A };
  test.each<[string, Uint8Array, RegExp]>([
    ["an OpenTimestamps proof", ots, /OpenTimestamps.*`ots verify`/],
    ["an EAS off-chain attestation", utf8(JSON.stringify(attestation)), /EAS/],
    ["an EAS export", utf8(JSON.stringify({ a: { primaryType: "Attest" } })), /EAS/],
    ["a web page", utf8("<!DOCTYPE html><title>Receipt</title>"), /web page/],
    ["XML", utf8('<?xml version="1.0"?><a/>'), /XML/],
    ["two receipts in a list", utf8(JSON.stringify([receipt, receipt])), /list of 2/],
    [
      "two receipts one after the other",
      utf8(`${JSON.stringify(receipt)}\n${JSON.stringify(receipt)}`),
      /more than one/,
    ],
    ["a ZIP archive", Buffer.from("504b0304", "hex"), /ZIP/],
    ["a gzip file", Buffer.from("1f8b0800", "hex"), /gunzip/],
    ["a picture", Buffer.from("89504e470d0a1a0a", "hex"), /PNG/],
    ["an RFC 3161 time stamp", Buffer.from("308203e8", "hex"), /openssl ts/],
    ["an OpenPGP signature", utf8("-----BEGIN PGP SIGNATURE-----"), /gpg/],
    ["a key", utf8("-----BEGIN PUBLIC KEY-----"), /--key/],
    ["a key set", utf8('{"keys":[]}'), /--jwt-key/],
    ["an export as CSV", utf8("receipt_id,record_sha256\nct_1,aa"), /CSV/],
    ["a Sigstore bundle", utf8('{"mediaType":"x","verificationMaterial":{}}'), /cosign/],
    ["a verdict", utf8('{"verdict":"valid","checks":[]}'), /holdfast-verify printed/],
    ["an error of the API", utf8('{"error":"Consent not found"}'), /ask the service/],
    ["half a download", utf8(JSON.stringify(receipt).slice(0, 40)), /get it again/],
    ["an empty file", utf8(" \n"), /empty/],
    ["JSON of another kind", utf8('{"a":1}'), /holds no receipt/],
    ["a number", utf8("7"), /holds no receipt/],
    ["a JWT of another kind", utf8("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.AA"), /JWT of another kind/],
    ["a broken JWT", utf8("a.b.c"), /none that can be read/],
    ["a member that stands twice", utf8('{"hash":1,"hash":2}'), /twice.*hash/],
    ["half of a character", utf8('{"hash":"\\ud800"}'), /half of a character/],
    ["a number that is too large", utf8('{"hash":9007199254740993}'), /number/],
    ["a file that is nested too deeply", utf8(`${"[".repeat(40)}${"]".repeat(40)}`), /nested/],
  ])("%s", (_, bytes, advice) => {
    expect(() => contentOfFile(bytes)).toThrow(UnreadableFileError);
    expect(() => contentOfFile(bytes)).toThrow(advice);
  });
});
