import { createPublicKey, type JsonWebKey } from "node:crypto";
import type { PublicServiceKey } from "../secrets/serviceKeys.ts";

export function publicKeyPem({ jwk }: PublicServiceKey): string {
  return createPublicKey({ key: jwk as JsonWebKey, format: "jwk" })
    .export({ type: "spki", format: "pem" })
    .toString();
}

/** As `/.well-known/jwks.json` lists it; `nbf` and `exp` bound the time in which it signs, in seconds since 1970. */
export function receiptJwk({ kid, jwk, createdAt, signsUntil }: PublicServiceKey) {
  return {
    ...jwk,
    kid,
    use: "sig",
    alg: "RS256",
    nbf: Math.floor(createdAt.getTime() / 1_000),
    exp: Math.ceil(signsUntil.getTime() / 1_000),
  };
}
