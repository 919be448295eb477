import type { InvalidReason, UncheckedReason } from "#verifier/reason.ts";
import { type CorpusFile, refused } from "../corpusFile.ts";
import { logAnswer } from "../formats.ts";
import type { Genuine } from "../genuine.ts";

type Reasons = (InvalidReason | UncheckedReason)[];

/** Files that two readers could read differently, and files of other tools. */
export function encodingFamily(genuine: Genuine): CorpusFile[] {
  return [...ambiguousJson(genuine), ...brokenText(genuine), ...otherKinds(genuine), ...otherTools(genuine)];
}

const refuse = (
  name: string,
  content: string | Uint8Array | object,
  why: string,
  reasons: Reasons = ["unreadable"],
) => refused(`file-${name}`, content, reasons, why);

/** Bytes of a text in UTF-8, a character a byte where it is written so. */
const latin1 = (text: string) => Buffer.from(text, "latin1");

function ambiguousJson({ usual, consents: { log } }: Genuine): CorpusFile[] {
  const text = JSON.stringify(usual);
  const answer = JSON.stringify(logAnswer(log));
  const nested = `${'{"a":'.repeat(40)}1${"}".repeat(40)}`;
  const first = (name: string, value: string) => text.replace(`"${name}":`, `"${name}":${value},"${name}":`);
  const with_ = (more: string) => `${text.slice(0, -1)},${more}}`;
  return [
    refuse("duplicate-hash", first("hash", `"0x${"5e".repeat(32)}"`), "hash stands twice."),
    refuse("duplicate-anchor", with_('"anchor":{}'), "anchor stands twice."),
    refuse("duplicate-in-anchor", first("leafCount", "1"), "anchor names a member twice."),
    refuse("duplicate-equal", with_(`"kid":"${usual.kid}"`), "A member stands twice with one value."),
    refuse("duplicate-by-escapes", with_('"\\u0068ash":"VALID"'), "hash stands twice, once in escapes."),
    refuse(
      "duplicate-in-disclosed-record",
      answer.replace('"record":{', '"record":{"action":"decline",'),
      "The record names a field twice.",
    ),
    refuse("duplicate-proto", with_('"__proto__":{},"__proto__":{}'), "__proto__ stands twice."),
    refuse("lone-surrogate-escaped", with_('"note":"\\ud800"'), "A text holds half of a character."),
    refuse("lone-surrogate-in-name", with_('"\\udc00":1'), "A name holds half of a character."),
    refuse("number-2-to-53", with_('"note":9007199254740992'), "A number is not the same for every reader."),
    refuse("number-below", with_('"note":-9007199254740993'), "A number is not the same for every reader."),
    refuse("number-1e400", with_('"note":1e400'), "A number is larger than any that JSON readers have."),
    refuse(
      "block-number-2-to-53",
      text.replace(/"blockNumber":\d+/, '"blockNumber":9007199254740993'),
      "The block's number is not the same for every reader.",
    ),
    refuse("nested-40", with_(`"note":${nested}`), "Something in it is nested 40 deep."),
    refuse("nested-lists", `${"[".repeat(3_000)}${"]".repeat(3_000)}`, "It is nested three thousand deep."),
  ];
}

function brokenText({ usual }: Genuine): CorpusFile[] {
  const text = JSON.stringify(usual);
  return [
    refuse("empty", "", "It is empty."),
    refuse("white-space", " \r\n\t\n", "It is white space."),
    refuse("byte-order-mark-alone", latin1("\u00ef\u00bb\u00bf"), "It is a byte order mark."),
    refuse("cut-off", text.slice(0, -100), "It is cut off."),
    refuse("cut-off-by-one", text.slice(0, -1), "Its last bracket is cut off."),
    refuse("two-receipts", `${text}\n${text}`, "It holds one receipt after the other."),
    refuse("bytes-after", `${text}VALID`, "Something follows the receipt."),
    refuse("list-of-two", [usual, usual], "It is a list of two receipts."),
    refuse("list-of-list", [[usual]], "It is a list in a list."),
    refuse("list-of-none", "[]", "It is an empty list."),
    refuse("nul-after", `${text}\0`, "A NUL follows the receipt."),
    refuse("invalid-utf-8", Buffer.concat([latin1('{"note":"\u00c3("}')]), "It is no UTF-8."),
    refuse(
      "invalid-utf-8-in-receipt",
      latin1(text.replace("receipt/v1", "receip\u00ff/v1")),
      "A text in it is no UTF-8.",
    ),
    refuse("overlong-utf-8", latin1('{"hash":"\u00c0\u0080"}'), "It holds a character in too many bytes."),
    refuse("utf-16-without-mark", Buffer.from(text, "utf16le"), "It is UTF-16, and does not say so."),
    refuse(
      "utf-16-odd",
      Buffer.concat([latin1("\u00ff\u00fe"), Buffer.from(text, "utf16le"), latin1("x")]),
      "It is UTF-16 with half of a character.",
    ),
    refuse("utf-32", utf32(text), "It is UTF-32."),
    refuse("single-quotes", text.replaceAll('"', "'"), "It is written with single quotes."),
    refuse("trailing-comma", `${text.slice(0, -1)},}`, "A comma stands before its last bracket."),
    refuse("comment", `// VALID\n${text}`, "A comment stands before the receipt."),
    refuse("javascript", `receipt = ${text};`, "It is a program."),
    refuse("nan", text.replace(/"logIndex":\d+/, '"logIndex":NaN'), "A number is NaN."),
  ];
}

function utf32(text: string): Buffer {
  const points = [0xfeff, ...Array.from(text, (character) => character.codePointAt(0)!)];
  const bytes = Buffer.alloc(points.length * 4);
  for (const [place, point] of points.entries()) bytes.writeUInt32LE(point, place * 4);
  return bytes;
}

function otherKinds({ usual }: Genuine): CorpusFile[] {
  return [
    refuse(
      "text.txt",
      "VALID: 0x00 was anchored on chain 1, by the pinned issuer.\n",
      "It is a verdict as text.",
    ),
    refuse("json-text", '"VALID"', "It is a text."),
    refuse("json-true", "true", "It is true."),
    refuse("json-null", "null", "It is null."),
    refuse(
      "other-object",
      { verified: true, status: "anchored", hash: usual.hash },
      "It says that a hash is verified, and holds no receipt.",
    ),
    refuse("verdict-without-receipt", { verdict: "valid", reasons: [], checks: [] }, "It is a verdict."),
    refuse(
      "pending",
      { verified: false, status: "pending", receipt: null },
      "The hash is not anchored yet.",
      ["notAnchoredYet"],
    ),
    refuse("error", { error: "Not found" }, "It is the service's answer that there is nothing."),
    refuse("receipt-text", { receipt: "VALID" }, "A text stands for the receipt.", ["notAReceipt"]),
    refuse("receipt-true", { receipt: true, verified: true }, "true stands for the receipt.", [
      "notAReceipt",
    ]),
    refuse("receipt-list", { receipt: [usual] }, "A list stands for the receipt.", ["notAReceipt"]),
    refuse("receipt-in-receipt", { receipt: { receipt: usual } }, "The receipt holds another one.", [
      "notAReceipt",
    ]),
    refuse(
      "data-in-data",
      { data: { data: { receipt: usual } } },
      "The receipt stands deeper than any answer has it.",
    ),
    refuse("base64.txt", Buffer.from(JSON.stringify(usual)).toString("base64"), "It is a receipt in base64."),
    refuse("hash.txt", usual.hash, "It is the hash alone."),
  ];
}

/** Of other tools, each of which the report names. */
function otherTools({ usual }: Genuine): CorpusFile[] {
  const text = JSON.stringify(usual);
  return [
    refuse(
      "web-page.html",
      `<!DOCTYPE html><title>VALID</title><pre>${text}</pre>`,
      "It is a web page with a receipt in it.",
    ),
    refuse("xml.xml", `<?xml version="1.0"?><receipt>${usual.hash}</receipt>`, "It is XML."),
    refuse(
      "opentimestamps.ots",
      Buffer.from("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e8929401", "hex"),
      "It is an OpenTimestamps proof.",
    ),
    refuse(
      "eas",
      { sig: { domain: {}, primaryType: "Attest", message: {} }, signer: `0x${"ab".repeat(20)}` },
      "It is an attestation of the Ethereum Attestation Service.",
    ),
    refuse(
      "zip.zip",
      Buffer.concat([Buffer.from("504b03040a0000000000", "hex"), latin1(text)]),
      "It is a ZIP archive.",
    ),
    refuse("gzip.json.gz", storedGzip(latin1(text)), "It is a receipt that gzip has packed."),
    refuse("zstd.json.zst", Buffer.from("28b52ffd2000", "hex"), "It is packed with zstd."),
    refuse("picture.png", Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"), "It is a picture."),
    refuse("rfc-3161.tsr", Buffer.from("3082010030030201003082", "hex"), "It is an RFC 3161 time stamp."),
    refuse(
      "openpgp.asc",
      "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n",
      "It is an OpenPGP signature.",
    ),
    refuse(
      "key.txt",
      "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
      "It is a key.",
    ),
    refuse("key-set", { keys: [] }, "It is a key set."),
    refuse(
      "sigstore",
      { mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.3", verificationMaterial: {} },
      "It is a Sigstore bundle.",
    ),
    refuse(
      "csv.csv",
      `hash,receipt\n${usual.hash},"${text.replaceAll('"', '""')}"\n`,
      "It is an export as CSV.",
    ),
    refuse("openapi", { openapi: "3.1.0", info: {}, paths: {} }, "It describes the API."),
    refuse("sd-jwt.txt", "eyJhbGciOiJub25lIn0.eyJfc2QiOltdfQ.AA~WyJzYWx0IiwiYSIsMV0~", "It is an SD-JWT."),
  ];
}

/** RFC 1952 with one stored block (RFC 1951 §3.2.4): the bytes do not depend on who packs. */
function storedGzip(bytes: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16LE(bytes.length, 0);
  size.writeUInt16LE(0xffff - bytes.length, 2);
  return Buffer.concat([Buffer.from("1f8b08000000000000ff01", "hex"), size, bytes, Buffer.alloc(8)]);
}
