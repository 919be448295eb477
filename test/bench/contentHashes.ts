import { createHash, randomBytes } from "node:crypto";

export function randomHash(): string {
  return `0x${randomBytes(32).toString("hex")}`;
}

/** The n-th filled hash: SHA-256 of `n` as 8 bytes, big end first; in SQL `sha256(int8send(n))`. */
export function filledHash(n: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(n));
  return createHash("sha256").update(bytes).digest();
}
