import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { keyIdOf } from "#protocol/receiptSignature.ts";
import type { Database } from "../db/client.ts";
import { withTransaction } from "../db/transaction.ts";

/** The Ed25519 key that signs receipts. Only workers hold the private key; the database and the API know public keys. */
export type SigningKey = { kid: string; publicKey: Uint8Array; privateKey: KeyObject };

export class UnusableSigningKeyError extends Error {
  override name = "UnusableSigningKeyError";
}

/** @throws {UnusableSigningKeyError} unless the file is an Ed25519 private key as PKCS #8 PEM (RFC 8410). */
export function readSigningKey(file: string): SigningKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(readFileSync(file));
  } catch (cause) {
    throw new UnusableSigningKeyError(
      `${file} cannot be read as a private key; make one with: openssl genpkey -algorithm ed25519 -out ${file}`,
      { cause },
    );
  }
  if (privateKey.asymmetricKeyType !== "ed25519")
    throw new UnusableSigningKeyError(`${file} is not an Ed25519 key`);
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  const publicKey = new Uint8Array(Buffer.from(x!, "base64url"));
  return { kid: keyIdOf(publicKey), publicKey, privateKey };
}

/** Whether the file's mode lets its group or everybody read it. */
export function isReadableByOthers(file: string): boolean {
  return (statSync(file).mode & 0o044) !== 0;
}

/** Makes the key known to everybody and retires its predecessors, whose receipts stay valid. */
export async function registerSigningKey(
  db: Database,
  { kid, publicKey }: SigningKey,
  now: Date,
): Promise<void> {
  await withTransaction(db, async (tx) => {
    await tx.query("UPDATE app.signing_keys SET retired_at = $2 WHERE kid <> $1 AND retired_at IS NULL", [
      kid,
      now,
    ]);
    await tx.query(
      `INSERT INTO app.signing_keys (kid, public_key, created_at) VALUES ($1, $2, $3)
       ON CONFLICT (kid) DO UPDATE SET retired_at = NULL`,
      [kid, Buffer.from(publicKey), now],
    );
  });
}
