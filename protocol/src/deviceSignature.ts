import { secp256k1 } from "@noble/curves/secp256k1.js";
import { Point } from "@noble/ed25519";
import { isSignatureOf } from "./receiptSignature.ts";

export const DEVICE_ALGORITHMS = ["ed25519", "secp256k1"] as const;
export type DeviceAlgorithm = (typeof DEVICE_ALGORITHMS)[number];

/**
 * Why bytes are no public key of a device.
 * - `length`: not 32 bytes (ed25519), nor 33 or 65 (secp256k1, compressed or not).
 * - `encoding`: not the one canonical encoding of a point on the curve.
 * - `order`: an ed25519 point of small order, or with a part of small order: signatures under it do not mean the same to everyone.
 */
export type DeviceKeyProblem = "length" | "encoding" | "order";

export type DeviceKey = { ok: true; publicKey: Uint8Array } | { ok: false; problem: DeviceKeyProblem };

/**
 * Why a signature does not stand.
 * - `length`: not 64 bytes.
 * - `range`: secp256k1, r or s is 0 or not below the curve's order.
 * - `highS`: secp256k1, s is in the upper half: the twin that anybody can make of a signature (BIP 146).
 * - `mismatch`: it is not this key's over these bytes.
 */
export type DeviceSignatureProblem = "length" | "range" | "highS" | "mismatch";

const ED25519_KEY_BYTES = 32;
const COMPRESSED_KEY_BYTES = 33;
const UNCOMPRESSED_KEY_BYTES = 65;
const SIGNATURE_BYTES = 64;

/**
 * A device's public key in the form in which it is kept: 32 bytes (ed25519) or 33 (secp256k1, compressed), so that one key is
 * never two. Source: RFC 8032 §5.1.3; SEC 1 §2.3.4. HA-19.
 */
export function toDeviceKey(algorithm: DeviceAlgorithm, bytes: Uint8Array): DeviceKey {
  return algorithm === "ed25519" ? toEd25519Key(bytes) : toSecp256k1Key(bytes);
}

function toEd25519Key(bytes: Uint8Array): DeviceKey {
  if (bytes.length !== ED25519_KEY_BYTES) return { ok: false, problem: "length" };
  let point: Point;
  try {
    point = Point.fromBytes(bytes, false);
  } catch {
    return { ok: false, problem: "encoding" };
  }
  // The neutral element is of every order, the small ones too.
  if (point.isSmallOrder() || !point.isTorsionFree()) return { ok: false, problem: "order" };
  return { ok: true, publicKey: bytes };
}

function toSecp256k1Key(bytes: Uint8Array): DeviceKey {
  if (bytes.length !== COMPRESSED_KEY_BYTES && bytes.length !== UNCOMPRESSED_KEY_BYTES)
    return { ok: false, problem: "length" };
  try {
    return { ok: true, publicKey: secp256k1.Point.fromBytes(bytes).toBytes(true) };
  } catch {
    return { ok: false, problem: "encoding" };
  }
}

/**
 * Why a device's signature over a content hash does not stand; null when it does. The message is the 32 bytes of the hash
 * themselves, which are not hashed again (HA-19). ed25519: strict RFC 8032. secp256k1: 64 bytes r, s (IEEE P1363), low s only.
 * @param publicKey as toDeviceKey answers it.
 */
export function deviceSignatureProblem(
  { algorithm, publicKey }: { algorithm: DeviceAlgorithm; publicKey: Uint8Array },
  contentHash: Uint8Array,
  signature: Uint8Array,
): DeviceSignatureProblem | null {
  if (signature.length !== SIGNATURE_BYTES) return "length";
  if (algorithm === "ed25519") return isSignatureOf(publicKey, contentHash, signature) ? null : "mismatch";
  return secp256k1Problem(publicKey, contentHash, signature);
}

function secp256k1Problem(
  publicKey: Uint8Array,
  contentHash: Uint8Array,
  signature: Uint8Array,
): DeviceSignatureProblem | null {
  try {
    if (secp256k1.Signature.fromBytes(signature, "compact").hasHighS()) return "highS";
  } catch {
    return "range";
  }
  const isSigned = secp256k1.verify(signature, contentHash, publicKey, { prehash: false, lowS: true });
  return isSigned ? null : "mismatch";
}
