import { createPublicKey, generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { calculateJwkThumbprint, createLocalJWKSet, importPKCS8, type JWK, jwtVerify, SignJWT } from "jose";
import type { Database } from "../db/client.ts";
import { UnavailableError } from "../errors.ts";
import { type SecretBox, UnopenableSecretError } from "../secrets/secretBox.ts";

/** HA-1: seven days. */
const TOKEN_LASTS_S = 7 * 86_400;
const KEY_SIGNS_MS = 30 * 86_400_000;
const ALGORITHM = "EdDSA";
/** Account tokens are told from access tokens and receipts by type, audience and key (protocol §9). */
const TYPE = "account+jwt";
const AUDIENCE = "holdfast:account";
/** How old the list of keys may be, and how old for a token whose key it does not name: another process may just have made it. Milliseconds. */
const KEYS_STALE_MS = 60_000;
const KEYS_STALE_FOR_UNKNOWN_MS = 50;

export type AccountTokens = {
  /** Issues tokens of seven days (RFC 7519); asked for before an account is made, so that none is made that cannot log in. */
  issuer(): Promise<(accountId: string) => Promise<string>>;
  /** The account that a token was issued to; null unless it is one of ours, unchanged and not expired. */
  accountOf(token: string): Promise<string | null>;
};

type KeyRow = { kid: string; public_jwk: JWK; private_key: Buffer };

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
  type Keys = { set: ReturnType<typeof createLocalJWKSet>; kids: Set<string> };
  let keys: Promise<Keys> | null = null;
  let readAtMs = 0;

  async function readKeys(): Promise<Keys> {
    const { rows } = await db.pool.query<KeyRow>(
      "SELECT kid, public_jwk FROM app.account_token_keys WHERE verifies_until > $1",
      [clock()],
    );
    const jwks = rows.map((row) => ({ ...row.public_jwk, kid: row.kid, alg: ALGORITHM }));
    return { set: createLocalJWKSet({ keys: jwks }), kids: new Set(rows.map((row) => row.kid)) };
  }

  /** The list; read again when it is old. Requests meanwhile share one read, and a failure is not remembered. */
  function listKeys(staleAfterMs: number): Promise<Keys> {
    const nowMs = clock().getTime();
    if (keys !== null && nowMs - readAtMs < staleAfterMs) return keys;
    readAtMs = nowMs;
    const reading = readKeys();
    keys = reading;
    reading.catch(() => {
      if (keys === reading) keys = null;
    });
    return reading;
  }

  async function keysFor(kid: string | undefined): Promise<Keys["set"]> {
    const known = await listKeys(KEYS_STALE_MS);
    return (known.kids.has(kid ?? "") ? known : await listKeys(KEYS_STALE_FOR_UNKNOWN_MS)).set;
  }

  return {
    async issuer() {
      if (secretBox === null) throw new UnavailableError("Accounts are not configured on this server");
      const { kid, pem } = await signingKey(db, secretBox, clock());
      // A key of ours that the list does not have yet must verify from its first token on.
      if (keys !== null && !(await keys).kids.has(kid)) keys = null;
      const key = await importPKCS8(pem, ALGORITHM);
      const nowS = Math.floor(clock().getTime() / 1_000);
      return (accountId) =>
        new SignJWT({})
          .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
          .setSubject(accountId)
          .setIssuer(issuer)
          .setAudience(AUDIENCE)
          .setIssuedAt(nowS)
          .setExpirationTime(nowS + TOKEN_LASTS_S)
          .sign(key);
    },
    async accountOf(token) {
      try {
        const { payload } = await jwtVerify(
          token,
          async (header, jws) => (await keysFor(header.kid))(header, jws),
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

/**
 * The key that signs now; made when there is none, or none that the configured secrets open, and then those whose last token has
 * expired go. Two processes that make one at a
 * time leave two, and either is good.
 */
async function signingKey(
  { pool }: Database,
  secretBox: SecretBox,
  now: Date,
): Promise<{ kid: string; pem: string }> {
  const { rows } = await pool.query<KeyRow>(
    "SELECT * FROM app.account_token_keys WHERE signs_until > $1 ORDER BY signs_until DESC",
    [now],
  );
  for (const { kid, private_key } of rows) {
    try {
      return { kid, pem: secretBox.open(private_key, accountTokenKeyContext(kid)).toString() };
    } catch (error) {
      if (!(error instanceof UnopenableSecretError)) throw error;
    }
  }
  await pool.query("DELETE FROM app.account_token_keys WHERE verifies_until < $1", [now]);
  const { privateKey } = await promisify(generateKeyPair)("ed25519");
  const publicJwk = createPublicKey(privateKey).export({ format: "jwk" }) as JWK;
  const kid = await calculateJwkThumbprint(publicJwk);
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const sealed = secretBox.seal(Buffer.from(pem), accountTokenKeyContext(kid));
  const signsUntil = new Date(now.getTime() + KEY_SIGNS_MS);
  await pool.query(
    `INSERT INTO app.account_token_keys (kid, public_jwk, private_key, created_at, signs_until, verifies_until)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [kid, publicJwk, sealed, now, signsUntil, new Date(signsUntil.getTime() + TOKEN_LASTS_S * 1_000)],
  );
  return { kid, pem };
}

/** What the key is sealed for. */
export function accountTokenKeyContext(kid: string): string {
  return `account-token-key:${kid}`;
}
