import { generateKeyPairSync, sign } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { base64UrlToBytes, bytesToHex, hexToBytes } from "#protocol/bytes.ts";
import type { DeviceAlgorithm } from "#protocol/deviceSignature.ts";

/** A device: its key pair, and what it signs. */
export type DeviceSigner = {
  algorithm: DeviceAlgorithm;
  /** 32 bytes (ed25519), or 33 (secp256k1, compressed). */
  publicKey: Uint8Array;
  /** @param contentHash 32 bytes. @returns 64 bytes. */
  sign(contentHash: Uint8Array): Uint8Array;
  /** The same of 0x and 64 digits, in hex without 0x. */
  signHash(hash: string): string;
};

export function createDeviceSigner(algorithm: DeviceAlgorithm): DeviceSigner {
  const { publicKey, sign } = algorithm === "ed25519" ? ed25519Pair() : secp256k1Pair();
  return {
    algorithm,
    publicKey,
    sign,
    signHash: (hash) => digitsOf(sign(hexToBytes(hash))),
  };
}

export function digitsOf(bytes: Uint8Array): string {
  return bytesToHex(bytes).slice(2);
}

type Pair = Pick<DeviceSigner, "publicKey" | "sign">;

function ed25519Pair(): Pair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    publicKey: base64UrlToBytes(publicKey.export({ format: "jwk" }).x!),
    sign: (contentHash) => new Uint8Array(sign(null, contentHash, privateKey)),
  };
}

function secp256k1Pair(): Pair {
  const { secretKey, publicKey } = secp256k1.keygen();
  return {
    publicKey,
    sign: (contentHash) => secp256k1.sign(contentHash, secretKey, { prehash: false }),
  };
}
