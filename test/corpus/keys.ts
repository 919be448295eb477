import { createPrivateKey, createPublicKey, hash, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { base64UrlToBytes, bytesToBase64 } from "#protocol/bytes.ts";
import { keyIdOf } from "#protocol/receiptSignature.ts";
import type { ReceiptSigner } from "#test/support/issuedReceipts.ts";

export const CORPUS_FOLDER = path.resolve(import.meta.dirname, "../vectors/corpus");

/** What stands before the 32 bytes of an Ed25519 seed in DER (RFC 8410 §7). */
const ED25519_PKCS8 = "302e020100300506032b657004220420";

/** The keys are known to everybody and the same each time, so that the corpus is. */
export function ed25519Of(name: string): KeyObject {
  const seed = hash("sha256", `Holdfast corpus, test key: ${name}`, "hex");
  return createPrivateKey({
    key: Buffer.from(`${ED25519_PKCS8}${seed}`, "hex"),
    format: "der",
    type: "pkcs8",
  });
}

export function signerOf(privateKey: KeyObject): ReceiptSigner {
  const raw = base64UrlToBytes(createPublicKey(privateKey).export({ format: "jwk" }).x!);
  return { privateKey, publicKey: bytesToBase64(raw), kid: keyIdOf(raw) };
}

/** The service's receipts are signed with it: the key that "all" pins. */
export const SERVICE = signerOf(ed25519Of("receipts of the service"));
export const FORGER = signerOf(ed25519Of("receipts of the forger"));
export const ORIGIN_KEY = ed25519Of("statements of origin of the service");
export const ORIGIN_KID = "0f1e2d3c4b5a6978";
export const FORGED_ORIGIN_KEY = ed25519Of("statements of origin of the forger");

/** RSA keys: of the service's JWTs, and of the signatures on its PDFs. */
export const JWT_KEY = rsaKeyOf("jwt");
export const PDF_KEY = rsaKeyOf("pdf");
export const JWT_KID = "0123456789abcdef";

function rsaKeyOf(name: string): KeyObject {
  return createPrivateKey(readFileSync(path.join(CORPUS_FOLDER, `keys/${name}-test-key.txt`)));
}

export function publicPemOf(key: KeyObject): string {
  return createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
}
