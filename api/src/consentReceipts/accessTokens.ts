import { createPublicKey } from "node:crypto";
import { decodeProtectedHeader, importPKCS8, jwtVerify, SignJWT } from "jose";
import type { ServiceKeys } from "../secrets/serviceKeys.ts";

/** SG-11: one hour. */
export const ACCESS_TOKEN_LASTS_S = 3_600;
const ALGORITHM = "EdDSA";
/** RFC 9068 §2.1. Told from account tokens and receipts by type, audience and key (protocol §9). */
const TYPE = "at+jwt";
const AUDIENCE = "holdfast:consent";
export const CONSENT_SCOPE = "consent";

export type AccessTokens = {
  /** A token that stands for an API key on the consent receipts' routes, as long as that key does. */
  issue(key: { id: string; sha256: Buffer }): Promise<string>;
  /** SHA-256 of the key that a token stands for; null for what is no good token. The key itself is still to be looked at. */
  keySha256Of(token: string): Promise<Buffer | null>;
};

type Options = { keys: ServiceKeys; issuer: string; clock: () => Date };

export function createAccessTokens({ keys, issuer, clock }: Options): AccessTokens {
  return {
    async issue({ id, sha256 }) {
      const { kid, key } = await keys.current();
      const nowS = Math.floor(clock().getTime() / 1_000);
      return new SignJWT({ client_id: id, scope: CONSENT_SCOPE, key_sha256: sha256.toString("hex") })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
        .setSubject(id)
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setIssuedAt(nowS)
        .setExpirationTime(nowS + ACCESS_TOKEN_LASTS_S)
        .sign(await importPKCS8(key.toString(), ALGORITHM));
    },
    async keySha256Of(token) {
      try {
        const { kid, typ } = decodeProtectedHeader(token);
        const signing = typ === TYPE && kid !== undefined ? await keys.find(kid) : null;
        if (signing === null) return null;
        const { payload } = await jwtVerify(token, createPublicKey(signing.key), {
          algorithms: [ALGORITHM],
          typ: TYPE,
          issuer,
          audience: AUDIENCE,
          currentDate: clock(),
          requiredClaims: ["sub", "exp", "iat", "key_sha256"],
        });
        // Nobody signs with a key that was retired, nor for longer, but who stole it.
        const isInTime = payload.iat! * 1_000 < signing.signsUntil.getTime();
        if (!isInTime || payload.exp! - payload.iat! > ACCESS_TOKEN_LASTS_S) return null;
        return Buffer.from(String(payload.key_sha256), "hex");
      } catch (error) {
        if (isAboutTheToken(error)) return null;
        throw error;
      }
    },
  };
}

/** jose's own errors, and the one that it throws for a header that does not decode. */
function isAboutTheToken(error: unknown): boolean {
  return error instanceof TypeError || String((error as { code?: unknown }).code).startsWith("ERR_J");
}
