import { type DeviceAlgorithm, type DeviceKeyProblem, toDeviceKey } from "#protocol/deviceSignature.ts";
import { InvalidInputError } from "../errors.ts";

const LENGTHS: Record<DeviceAlgorithm, string> = {
  ed25519: "must have 32 bytes",
  secp256k1: "must have 33 bytes (compressed) or 65 (uncompressed)",
};
const PROBLEMS: Record<Exclude<DeviceKeyProblem, "length">, string> = {
  encoding: "is no point of the curve in its canonical encoding",
  order: "is a point of small order, or has a part of small order",
};

/**
 * A public key as it is kept.
 * @throws {InvalidInputError} 400 that says what is wrong with it.
 */
export function parseDeviceKey(algorithm: DeviceAlgorithm, bytes: Uint8Array): Uint8Array {
  const key = toDeviceKey(algorithm, bytes);
  if (key.ok) return key.publicKey;
  const problem = key.problem === "length" ? LENGTHS[algorithm] : PROBLEMS[key.problem];
  throw new InvalidInputError(`Invalid request body, publicKey: ${problem}`, { member: "publicKey" });
}

/** Hex without 0x, as the API shows keys and signatures. */
export function toHexDigits(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
