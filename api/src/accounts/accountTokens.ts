import { createPublicKey, generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { calculateJwkThumbprint, createLocalJWKSet, importPKCS8, type JWK, jwtVerify, SignJWT } from "jose";
import type { Database } from "../db/client.ts";
import { UnavailableError } from "../errors.ts";
import type { SecretBox } from "../secrets/secretBox.ts";

/** HA-1: seven days. */
const TOKEN_LASTS_S = 7 * 86_400;
const KEY_SIGNS_MS = 30 * 86_400_000;
const ALGORITHM = "EdDSA";
/** Account tokens are told from access tokens and receipts by type, audience and key (protocol §9). */
const TYPE = "account+jwt";
const AUDIENCE = "holdfast:account";
/** How old the list of keys may be; a token of a key made since is looked for again. Milliseconds. */
const KEYS_STALE_MS = 60_000;

export type AccountTokens = {
  /** @throws {UnavailableError} 503 when there is no secret to seal the signing key with: then nobody can log in. */
  requireSecret(): SecretBox;
  /** A token of seven days (RFC 7519). */
  issue(accountId: string): Promise<string>;
  /** The account that a token was issued to; null unless it is one of ours, unchanged and not expired. */
  accountOf(token: string): Promise<string | null>;
};

type KeyRow = { kid: string; public_jwk: JWK; private_key: Buffer; signs_until: Date };

/** Signs with a key that is replaced every 30 days; its predecessors verify until their last token has expired. */
export function createAccountTokens({
  db,
  secretBox,
  issuer,
  clock,
}: {
  db: Database;
  /** Null when no secret is configured. */
  secretBox: SecretBox | null;
  issuer: string;
  clock: () => Date;
}): AccountTokens {
  let keys: { set: ReturnType<typeof createLocalJWKSet>; kids: Set<string>; readAtMs: number } | null = null;

  async function publicKeys(kid: string | undefined) {
    const nowMs = clock().getTime();
    const isFresh = keys !== null && nowMs - keys.readAtMs < KEYS_STALE_MS;
    if (keys === null || !isFresh || !keys.kids.has(kid ?? "")) {
      const { rows } = await db.pool.query<KeyRow>(
        "SELECT kid, public_jwk FROM app.account_token_keys WHERE verifies_until > $1",
        [clock()],
      );
      const jwks = rows.map((row) => ({ ...row.public_jwk, kid: row.kid, alg: ALGORITHM }));
      keys = {
        set: createLocalJWKSet({ keys: jwks }),
        kids: new Set(rows.map((row) => row.kid)),
        readAtMs: nowMs,
      };
    }
    return keys.set;
  }

  function requireSecret(): SecretBox {
    if (secretBox === null)
      throw new UnavailableError("Accounts are not configured; set CHAIN_KEY_ENCRYPTION_SECRET");
    return secretBox;
  }

  return {
    requireSecret,
    async issue(accountId) {
      const box = requireSecret();
      const { kid, private_key } = await signingKey(db, box, clock());
      const pem = box.open(private_key, contextOf(kid)).toString();
      const nowS = Math.floor(clock().getTime() / 1_000);
      return new SignJWT({})
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
        .setSubject(accountId)
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setIssuedAt(nowS)
        .setExpirationTime(nowS + TOKEN_LASTS_S)
        .sign(await importPKCS8(pem, ALGORITHM));
    },
    async accountOf(token) {
      try {
        const { payload } = await jwtVerify(
          token,
          async (header, jws) => (await publicKeys(header.kid))(header, jws),
          {
            algorithms: [ALGORITHM],
            typ: TYPE,
            issuer,
            audience: AUDIENCE,
            currentDate: clock(),
            requiredClaims: ["sub", "exp", "iat"],
          },
        );
        return payload.sub ?? null;
      } catch (error) {
        if ((error as { code?: unknown }).code?.toString().startsWith("ERR_J")) return null;
        throw error;
      }
    },
  };
}

/** The key that signs now; made when there is none. Two processes that make one at a time leave two, and either is good. */
async function signingKey({ pool }: Database, secretBox: SecretBox, now: Date): Promise<KeyRow> {
  const { rows } = await pool.query<KeyRow>(
    "SELECT * FROM app.account_token_keys WHERE signs_until > $1 ORDER BY signs_until DESC LIMIT 1",
    [now],
  );
  if (rows[0] !== undefined) return rows[0];
  const { privateKey } = await promisify(generateKeyPair)("ed25519");
  const publicJwk = createPublicKey(privateKey).export({ format: "jwk" }) as JWK;
  const kid = await calculateJwkThumbprint(publicJwk);
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  const sealed = secretBox.seal(Buffer.from(pem), contextOf(kid));
  const signsUntil = new Date(now.getTime() + KEY_SIGNS_MS);
  await pool.query(
    `INSERT INTO app.account_token_keys (kid, public_jwk, private_key, created_at, signs_until, verifies_until)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [kid, publicJwk, sealed, now, signsUntil, new Date(signsUntil.getTime() + TOKEN_LASTS_S * 1_000)],
  );
  return { kid, public_jwk: publicJwk, private_key: sealed, signs_until: signsUntil };
}

function contextOf(kid: string): string {
  return `account-token-key:${kid}`;
}
