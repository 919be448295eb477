import { createPublicKey } from "node:crypto";
import type { Database } from "../db/client.ts";
import { desc, sql } from "../db/drizzle.ts";
import { signingKeys } from "../db/signingKeys.ts";
import { NotFoundError } from "../errors.ts";

export type PublicKey = typeof signingKeys.$inferSelect;

/** All keys that ever signed receipts, the current one first. */
export async function listPublicKeys({ orm }: Database): Promise<PublicKey[]> {
  return orm
    .select()
    .from(signingKeys)
    .orderBy(sql`${signingKeys.retiredAt} DESC NULLS FIRST`, desc(signingKeys.createdAt));
}

/** `GET /v1/public-key` (HA-9): the current key, and beside it every key with its validity, so that old receipts verify. */
export async function describePublicKeys(db: Database) {
  const keys = await listPublicKeys(db);
  if (keys.length === 0) throw new NotFoundError("Public key");
  const described = keys.map(describe);
  const { validFrom: _from, validUntil: _until, ...current } = described[0]!;
  return { ...current, keys: described };
}

/** JWK Set (RFC 7517, RFC 8037); `nbf` and `exp` bound the time in which a key signed, in seconds since 1970. */
export async function describeJwks(db: Database) {
  const keys = await listPublicKeys(db);
  return {
    keys: keys.map(({ kid, publicKey, createdAt, retiredAt }) => ({
      kty: "OKP",
      crv: "Ed25519",
      x: Buffer.from(publicKey).toString("base64url"),
      kid,
      use: "sig",
      alg: "EdDSA",
      nbf: Math.floor(createdAt.getTime() / 1_000),
      ...(retiredAt ? { exp: Math.ceil(retiredAt.getTime() / 1_000) } : {}),
    })),
  };
}

function describe({ kid, publicKey, createdAt, retiredAt }: PublicKey) {
  const bytes = Buffer.from(publicKey);
  const key = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") },
    format: "jwk",
  });
  return {
    algorithm: "Ed25519",
    publicKey: bytes.toString("base64"),
    hex: bytes.toString("hex"),
    pem: key.export({ type: "spki", format: "pem" }).toString(),
    kid,
    validFrom: createdAt.toISOString(),
    validUntil: retiredAt?.toISOString() ?? null,
  };
}
