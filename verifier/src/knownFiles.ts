/** How a file begins that another tool reads: bytes in hex, and what to do with it. */
const MAGIC: [hex: string, advice: string][] = [
  [
    "004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294",
    "This is an OpenTimestamps proof: check it with `ots verify`.",
  ],
  ["504b0304", "This is a ZIP archive, or an office document: unpack it and give the receipt in it."],
  ["1f8b", "This file is compressed with gzip: unpack it with gunzip first."],
  ["28b52ffd", "This file is compressed with zstd: unpack it with unzstd first."],
  ["89504e470d0a1a0a", "This is a picture (PNG): give the receipt's file, not a picture of it."],
  ["ffd8ff", "This is a picture (JPEG): give the receipt's file, not a picture of it."],
  ["d0cf11e0a1b11ae1", "This is an office document: give the receipt's own file."],
];
const DER_SEQUENCE = 0x30;

/** What a file of another kind is and which tool reads it; null where its bytes do not tell. */
export function adviceForBytes(bytes: Uint8Array): string | null {
  const beginning = Array.from(bytes.subarray(0, 32), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const known = MAGIC.find(([hex]) => beginning.startsWith(hex));
  if (known !== undefined) return known[1];
  if (bytes[0] === DER_SEQUENCE && bytes[1]! >= 0x80)
    return "This is DER, such as an RFC 3161 time stamp: check one with `openssl ts -verify`.";
  return null;
}

const TEXTS: [pattern: RegExp, advice: string][] = [
  [
    /^\s*<(!doctype\s+html|html|head|body)\b/i,
    "This is a web page: get the receipt itself, as JSON or PDF, from the link on it.",
  ],
  [/^\s*<(\?xml|[a-z])/i, "This is XML: give the receipt as JSON, JWT or PDF."],
  [/^-----BEGIN PGP /, "This is an OpenPGP file: check it with `gpg --verify`."],
  [
    /^-----BEGIN (PUBLIC|RSA|EC|PRIVATE|CERTIFICATE|ENCRYPTED)/,
    "This is a key or a certificate: give the receipt's file; keys go into --key and --jwt-key.",
  ],
  [/^untrusted comment:/, "This is a minisign or signify signature: check it with `minisign -V`."],
  [
    /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+~/,
    "This is an SD-JWT or a statement of origin alone: give the receipt that it goes along with.",
  ],
  [
    /^"?(receipt_id|hash)"?,/,
    "This is an export as CSV: put the `receipt` of one row into a file of its own, or export JSON.",
  ],
];

/** The same of a file that is text and no JSON. */
export function adviceForText(text: string): string | null {
  return TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}

/** The same of JSON that is no receipt and holds none. */
export function adviceForJson(value: unknown): string | null {
  if (Array.isArray(value)) return adviceForList(value);
  if (typeof value !== "object" || value === null) return null;
  const members = value as Record<string, unknown>;
  const has = (...names: string[]) => names.every((name) => Object.hasOwn(members, name));
  if (has("sig", "signer") || JSON.stringify(members).includes('"primaryType":"Attest"'))
    return "This is an EAS attestation: check it with the EAS SDK or on the attestation's own explorer.";
  if (has("keys")) return "This is a key set: give the receipt's file; the set goes into --jwt-key.";
  if (has("mediaType", "verificationMaterial"))
    return "This is a Sigstore bundle: check it with `cosign verify-blob`.";
  if (has("openapi")) return "This is an OpenAPI document and no receipt.";
  if (has("verdict", "checks")) return "This is what holdfast-verify printed: give the receipt's file.";
  if (has("error") || has("message"))
    return "This is an answer with an error or without a receipt: ask the service for the receipt again.";
  return null;
}

function adviceForList(list: readonly unknown[]): string | null {
  const receipts = list.filter((one) => typeof one === "object" && one !== null);
  if (receipts.length < 2) return null;
  return `This is a list of ${list.length}: put each into a file of its own and check them one by one.`;
}
