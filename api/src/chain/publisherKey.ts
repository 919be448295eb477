import type { Hex } from "#protocol/bytes.ts";
import type { SecretBox } from "../secrets/secretBox.ts";

/** Order of secp256k1's group: a private key lies between zero and it (SEC 2, §2.4.1). */
const SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** Whether 32 bytes are a private key of secp256k1. */
export function isPrivateKey(key: Hex): boolean {
  return BigInt(key) > 0n && BigInt(key) < SECP256K1_ORDER;
}

/** Seals the key of a chain's publisher for the database (HA-17); it opens for no other chain. */
export function sealPublisherKey(box: SecretBox, chainId: number, privateKey: Hex): Buffer {
  return box.seal(Buffer.from(privateKey.slice(2), "hex"), publisherKeyContext(chainId));
}

/** @throws {UnopenableSecretError} */
export function openPublisherKey(box: SecretBox, chainId: number, sealed: Uint8Array): Hex {
  return `0x${box.open(sealed, publisherKeyContext(chainId)).toString("hex")}`;
}

export function publisherKeyContext(chainId: number): string {
  return `chain:${chainId}`;
}
