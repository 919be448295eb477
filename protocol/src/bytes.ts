/** `0x` and an even number of hex digits. */
export type Hex = `0x${string}`;

/** A value has another length than its meaning demands. */
export class InvalidLengthError extends Error {
  override readonly name = "InvalidLengthError";
  readonly expected: number;
  readonly actual: number;

  constructor(what: string, { expected, actual }: { expected: number; actual: number }) {
    super(`${what} has ${actual} bytes, not ${expected}`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** A text is not what its encoding allows. */
export class InvalidEncodingError extends Error {
  override readonly name = "InvalidEncodingError";
  readonly encoding: "hex" | "base64" | "base64url";

  constructor(encoding: "hex" | "base64" | "base64url") {
    super(`the text is not ${encoding}`);
    this.encoding = encoding;
  }
}

// Node 24 has no Uint8Array.prototype.toHex, and Buffer does not exist in a browser.
const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const NO_DIGIT = 255;
const digitOfCharCode = new Uint8Array(128).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit++) {
  const text = digit.toString(16);
  digitOfCharCode[text.charCodeAt(0)] = digit;
  digitOfCharCode[text.toUpperCase().charCodeAt(0)] = digit;
}

/** Lower-case hex with `0x`. */
export function bytesToHex(bytes: Uint8Array): Hex {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += hexOfByte[bytes[i]!]!;
  return `0x${text}`;
}

/**
 * Bytes of a hex text, in any case, with `0x`.
 * @throws {InvalidEncodingError} unless it is `0x` and whole bytes.
 */
export function hexToBytes(hex: string): Uint8Array {
  if (hex.length % 2 !== 0 || !hex.startsWith("0x")) throw new InvalidEncodingError("hex");
  const bytes = new Uint8Array(hex.length / 2 - 1);
  for (let i = 0; i < bytes.length; i++) {
    // A character beyond the table reads as undefined, and `|` would make that a 0.
    const high = digitOfCharCode[hex.charCodeAt(2 * i + 2)] ?? NO_DIGIT;
    const low = digitOfCharCode[hex.charCodeAt(2 * i + 3)] ?? NO_DIGIT;
    if ((high | low) > 15) throw new InvalidEncodingError("hex");
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

/** Base64 with padding (RFC 4648 §4). */
export function bytesToBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i++) binary += String.fromCharCode(bytes[i]!);
  return btoa(binary);
}

/**
 * Bytes of a base64 text in its one canonical spelling: padded, no white space, unused bits zero.
 * @throws {InvalidEncodingError} for any other spelling.
 */
export function base64ToBytes(text: string): Uint8Array {
  const bytes = decodeBase64(text, "base64");
  // atob forgives white space, missing padding and stray bits; two texts for the same bytes would be two receipts.
  if (bytesToBase64(bytes) !== text) throw new InvalidEncodingError("base64");
  return bytes;
}

/** Base64url without padding (RFC 4648 §5, RFC 7515). */
export function bytesToBase64Url(bytes: Uint8Array): string {
  return bytesToBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * Bytes of a base64url text in its one canonical spelling: no padding, no white space, unused bits zero.
 * @throws {InvalidEncodingError} for any other spelling.
 */
export function base64UrlToBytes(text: string): Uint8Array {
  const bytes = decodeBase64(text.replaceAll("-", "+").replaceAll("_", "/"), "base64url");
  if (bytesToBase64Url(bytes) !== text) throw new InvalidEncodingError("base64url");
  return bytes;
}

function decodeBase64(text: string, encoding: "base64" | "base64url"): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw new InvalidEncodingError(encoding);
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
