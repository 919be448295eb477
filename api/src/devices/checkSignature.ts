import { createPublicKey, verify } from "node:crypto";
import { promisify } from "node:util";
import {
  type DeviceAlgorithm,
  type DeviceSignatureProblem,
  deviceSignatureProblem,
} from "#protocol/deviceSignature.ts";

const verifyInThreadPool = promisify(verify);

type Key = { algorithm: DeviceAlgorithm; publicKey: Uint8Array };

/**
 * What deviceSignatureProblem answers, eight times as fast for good ed25519 signatures, and off the event loop. OpenSSL compares R's
 * bytes with those that S and the key lead to, without the cofactor; what it takes, RFC 8032's equation with the cofactor takes
 * too, and R is canonical then. What it refuses may still be good, so that is asked again.
 */
export async function checkSignature(
  key: Key,
  contentHash: Uint8Array,
  signature: Uint8Array,
): Promise<DeviceSignatureProblem | null> {
  if (key.algorithm === "ed25519" && (await isTakenByOpenSsl(key.publicKey, contentHash, signature)))
    return null;
  return deviceSignatureProblem(key, contentHash, signature);
}

async function isTakenByOpenSsl(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const x = Buffer.from(publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return verifyInThreadPool(null, message, key, signature);
}
