import { hashes, verify } from "@noble/ed25519";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { base64ToBytes, bytesToBase64Url, InvalidLengthError } from "./bytes.ts";
import { type AnchorReceipt, signedBytes } from "./receipt.ts";

hashes.sha512 = sha512;

const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/**
 * Whether an Ed25519 signature stands under strict RFC 8032: canonical encodings only, no small-order key.
 * Answers false for any malformed input; never throws.
 */
export function isSignatureOf(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  return verify(signature, message, publicKey, { zip215: false });
}

/** Whether a parsed receipt is signed by the key that it carries itself. Whose key that is, the caller has to know. */
export function isReceiptSigned(receipt: AnchorReceipt): boolean {
  return isSignatureOf(
    base64ToBytes(receipt.publicKey),
    signedBytes(receipt),
    base64ToBytes(receipt.signature),
  );
}

/**
 * `kid` of an Ed25519 public key: the SHA-256 thumbprint (RFC 7638) of its OKP key (RFC 8037), base64url.
 * @throws {InvalidLengthError} unless it has 32 bytes.
 */
export function keyIdOf(publicKey: Uint8Array): string {
  if (publicKey.length !== PUBLIC_KEY_BYTES) {
    throw new InvalidLengthError("public key", { expected: PUBLIC_KEY_BYTES, actual: publicKey.length });
  }
  // The thumbprint is defined over exactly these members, in this order, without white space.
  const jwk = JSON.stringify({ crv: "Ed25519", kty: "OKP", x: bytesToBase64Url(publicKey) });
  return bytesToBase64Url(sha256(new TextEncoder().encode(jwk)));
}
