import { createHash } from "node:crypto";
import type { JWK } from "jose";
import type { PoolClient } from "pg";
import type { Database } from "../db/client.ts";
import { withTransaction } from "../db/transaction.ts";
import { UnavailableError } from "../errors.ts";
import { type SecretBox, UnopenableSecretError } from "./secretBox.ts";

export type ServiceKeyPurpose = "consent_proof" | "consent_receipt" | "access_token" | "consent_origin";
export type ServiceKey = { kid: string; key: Buffer; signsUntil: Date };

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

const CURRENT = `
  SELECT kid, sealed_key, signs_until FROM app.service_keys
  WHERE purpose = $1 AND signs_until > $2 ORDER BY signs_until DESC, kid`;
const BY_KID = "SELECT kid, sealed_key, signs_until FROM app.service_keys WHERE purpose = $1 AND kid = $2";
const INSERT = `
  INSERT INTO app.service_keys (kid, purpose, sealed_key, public_jwk, created_at, signs_until)
  VALUES ($1, $2, $3, $4, $5, $6)`;

type Row = { kid: string; sealed_key: Buffer; signs_until: Date };

const KID_HEX_DIGITS = 16;
/** What anybody sends as one may hold what PostgreSQL cannot be asked for. */
const KID = new RegExp(`^[0-9a-f]{${KID_HEX_DIGITS}}$`);
/** How old what is remembered of a key may be, such as until when it signs; milliseconds. */
export const SERVICE_KEY_STALE_MS = 60_000;

/**
 * Keys of the service itself, sealed in the database, replaced after a time and kept for ever, so that whatever they signed still
 * verifies. One process at a time makes one, and the others wait for it.
 */
export function createServiceKeys(options: ServiceKeysOptions): ServiceKeys {
  const { db, purpose, clock } = options;
  const known = new Map<string, { key: ServiceKey; readAtMs: number }>();
  let current: { key: ServiceKey; untilMs: number } | null = null;
  let reading: Promise<ServiceKey> | null = null;

  function open({ kid, sealed_key, signs_until }: Row, secretBox: SecretBox): ServiceKey {
    const opened = known.get(kid)?.key.key ?? secretBox.open(sealed_key, contextOf(kid));
    const key = { kid, key: opened, signsUntil: signs_until };
    known.set(kid, { key, readAtMs: clock().getTime() });
    return key;
  }

  /** Null when none can sign now, or none opens. */
  async function readCurrent(
    client: Pick<PoolClient, "query">,
    secretBox: SecretBox,
  ): Promise<ServiceKey | null> {
    const { rows } = await client.query<Row>(CURRENT, [purpose, clock()]);
    for (const row of rows) {
      try {
        return open(row, secretBox);
      } catch (error) {
        if (!(error instanceof UnopenableSecretError)) throw error;
      }
    }
    return null;
  }

  async function make(tx: PoolClient, secretBox: SecretBox): Promise<ServiceKey> {
    const { key, publicJwk = null } = await options.make();
    const kid = createHash("sha256")
      .update(`${purpose} key id`)
      .update(key)
      .digest("hex")
      .slice(0, KID_HEX_DIGITS);
    const now = clock();
    const signsUntil = new Date(now.getTime() + options.signsForMs);
    const sealed = secretBox.seal(key, contextOf(kid));
    await tx.query(INSERT, [kid, purpose, sealed, publicJwk, now, signsUntil]);
    return { kid, key, signsUntil };
  }

  async function readOrMake(secretBox: SecretBox): Promise<ServiceKey> {
    const found = await readCurrent(db.pool, secretBox);
    if (found !== null) return found;
    return withTransaction(db, async (tx) => {
      await tx.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [
        `holdfast.service-key.${purpose}`,
      ]);
      return (await readCurrent(tx, secretBox)) ?? make(tx, secretBox);
    });
  }

  return {
    async current() {
      const { secretBox } = options;
      if (secretBox === null)
        throw new UnavailableError("CHAIN_KEY_ENCRYPTION_SECRET is not set; this server cannot keep keys");
      const nowMs = clock().getTime();
      if (current !== null && current.untilMs > nowMs) return current.key;
      reading ??= readOrMake(secretBox).finally(() => {
        reading = null;
      });
      const key = await reading;
      current = { key, untilMs: Math.min(key.signsUntil.getTime(), nowMs + SERVICE_KEY_STALE_MS) };
      return key;
    },
    async find(kid) {
      const remembered = known.get(kid);
      if (remembered !== undefined && clock().getTime() - remembered.readAtMs < SERVICE_KEY_STALE_MS)
        return remembered.key;
      if (options.secretBox === null || !KID.test(kid)) return null;
      const { rows } = await db.pool.query<Row>(BY_KID, [purpose, kid]);
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
