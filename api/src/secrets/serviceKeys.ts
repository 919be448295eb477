import { createHash } from "node:crypto";
import type { JWK } from "jose";
import type { Database } from "../db/client.ts";
import { UnavailableError } from "../errors.ts";
import { type SecretBox, UnopenableSecretError } from "./secretBox.ts";

export type ServiceKeyPurpose = "consent_proof" | "consent_receipt" | "access_token";
export type ServiceKey = { kid: string; key: Buffer };

export type ServiceKeys = {
  /**
   * The key that signs now, made when there is none.
   * @throws {UnavailableError} when no secret is configured that could seal it.
   */
  current(): Promise<ServiceKey>;
  /** A key that has signed once; null for an id that is not known. */
  find(kid: string): Promise<ServiceKey | null>;
  /** The public halves of all keys, the current one first; needs no secret. */
  listPublic(): Promise<PublicServiceKey[]>;
};

export type PublicServiceKey = { kid: string; jwk: JWK; createdAt: Date; signsUntil: Date };

export type ServiceKeysOptions = {
  db: Database;
  /** Null when no secret is configured. */
  secretBox: SecretBox | null;
  purpose: ServiceKeyPurpose;
  /** `publicJwk`: of an asymmetric key. */
  make: () => Promise<{ key: Buffer; publicJwk?: JWK }>;
  signsForMs: number;
  clock: () => Date;
};

type Row = { kid: string; sealed_key: Buffer; signs_until: Date };

const KID_HEX_DIGITS = 16;
/** What anybody sends as one may hold what PostgreSQL cannot be asked for. */
const KID = new RegExp(`^[0-9a-f]{${KID_HEX_DIGITS}}$`);
/** How old the choice of the current key may be; milliseconds. */
const CURRENT_STALE_MS = 60_000;

/**
 * Keys of the service itself, sealed in the database, replaced after a time and kept for ever, so that whatever they signed still
 * verifies. Two processes that make one at the same time leave two, and either is good.
 */
export function createServiceKeys(options: ServiceKeysOptions): ServiceKeys {
  const { db, purpose, clock } = options;
  const known = new Map<string, ServiceKey>();
  let current: { key: ServiceKey; untilMs: number } | null = null;

  function open({ kid, sealed_key }: Row, secretBox: SecretBox): ServiceKey {
    const opened = known.get(kid) ?? { kid, key: secretBox.open(sealed_key, contextOf(kid)) };
    known.set(kid, opened);
    return opened;
  }

  async function readCurrent(secretBox: SecretBox): Promise<{ key: ServiceKey; untilMs: number }> {
    const now = clock();
    const { rows } = await db.pool.query<Row>(
      "SELECT kid, sealed_key, signs_until FROM app.service_keys WHERE purpose = $1 AND signs_until > $2 ORDER BY signs_until DESC, kid",
      [purpose, now],
    );
    for (const row of rows) {
      try {
        return { key: open(row, secretBox), untilMs: row.signs_until.getTime() };
      } catch (error) {
        if (!(error instanceof UnopenableSecretError)) throw error;
      }
    }
    return make(secretBox, now);
  }

  async function make(secretBox: SecretBox, now: Date): Promise<{ key: ServiceKey; untilMs: number }> {
    const { key, publicJwk = null } = await options.make();
    const kid = createHash("sha256")
      .update(`${purpose} key id`)
      .update(key)
      .digest("hex")
      .slice(0, KID_HEX_DIGITS);
    const until = new Date(now.getTime() + options.signsForMs);
    await db.pool.query(
      "INSERT INTO app.service_keys (kid, purpose, sealed_key, public_jwk, created_at, signs_until) VALUES ($1, $2, $3, $4, $5, $6)",
      [kid, purpose, secretBox.seal(key, contextOf(kid)), publicJwk, now, until],
    );
    known.set(kid, { kid, key });
    return { key: { kid, key }, untilMs: until.getTime() };
  }

  return {
    async current() {
      const { secretBox } = options;
      if (secretBox === null)
        throw new UnavailableError("CHAIN_KEY_ENCRYPTION_SECRET is not set; this server cannot keep keys");
      const nowMs = clock().getTime();
      if (current === null || current.untilMs <= nowMs) {
        const { key, untilMs } = await readCurrent(secretBox);
        current = { key, untilMs: Math.min(untilMs, nowMs + CURRENT_STALE_MS) };
      }
      return current.key;
    },
    async find(kid) {
      const remembered = known.get(kid);
      if (remembered !== undefined || options.secretBox === null || !KID.test(kid)) return remembered ?? null;
      const { rows } = await db.pool.query<Row>(
        "SELECT kid, sealed_key, signs_until FROM app.service_keys WHERE purpose = $1 AND kid = $2",
        [purpose, kid],
      );
      return rows[0] === undefined ? null : open(rows[0], options.secretBox);
    },
    async listPublic() {
      const { rows } = await db.pool.query<{ kid: string; jwk: JWK; createdAt: Date; signsUntil: Date }>(
        `SELECT kid, public_jwk AS jwk, created_at AS "createdAt", signs_until AS "signsUntil" FROM app.service_keys
         WHERE purpose = $1 AND public_jwk IS NOT NULL ORDER BY signs_until DESC, kid`,
        [purpose],
      );
      return rows;
    },
  };
}

/** What a sealed key is for; see SecretBox. */
export function contextOf(kid: string): string {
  return `service-key:${kid}`;
}
