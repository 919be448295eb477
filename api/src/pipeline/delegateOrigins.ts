import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import type { Logger } from "pino";
import { compactJws, delegationSigningInput } from "#protocol/consentOrigin.ts";
import type { Database } from "../db/client.ts";
import { type SecretBox, UnopenableSecretError } from "../secrets/secretBox.ts";
import { contextOf } from "../secrets/serviceKeys.ts";
import type { SigningKey } from "./signingKey.ts";

export type DelegateDeps = {
  db: Database;
  secretBox: SecretBox;
  signingKey: SigningKey;
  clock: () => Date;
  logger: Logger;
};

const UNDELEGATED = `
  SELECT k.kid, k.sealed_key, k.signs_until FROM app.service_keys k
  WHERE k.purpose = 'consent_origin' AND k.signs_until > $2 AND isfinite(k.signs_until)
    AND NOT EXISTS (SELECT FROM app.origin_delegations d WHERE d.kid = k.kid AND d.receipt_kid = $1)
  ORDER BY k.created_at`;
const STORE = `
  INSERT INTO app.origin_delegations (kid, receipt_kid, delegation, created_at) VALUES ($1, $2, $3, $4)
  ON CONFLICT DO NOTHING`;

/** Records that a key signed may wait for their block that long after its end; the verifier takes no delegation for a later one. */
const ENDED_MS_MAX = 30 * 86_400_000;

type Row = { kid: string; sealed_key: Buffer; signs_until: Date };

export type DelegateOrigins = () => Promise<void>;

/**
 * Signs, with the key of receipts, which keys sign origin statements (protocol §7). A key counts only when it opens with the secret:
 * a row that an attacker wrote into the database is delegated nothing. Each key is delegated to once by each key of receipts.
 */
export function createOriginDelegator({
  db,
  secretBox,
  signingKey,
  clock,
  logger,
}: DelegateDeps): DelegateOrigins {
  const refused = new Set<string>();
  return async () => {
    const { rows } = await db.pool.query<Row>(UNDELEGATED, [
      signingKey.kid,
      new Date(clock().getTime() - ENDED_MS_MAX),
    ]);
    const waiting = rows.filter(({ kid }) => !refused.has(kid));
    for (const row of waiting) {
      const x = publicKeyOf(row, secretBox);
      if (x === null) {
        refused.add(row.kid);
        logger.warn({ kid: row.kid }, "origin key does not open with CHAIN_KEY_ENCRYPTION_SECRET");
        continue;
      }
      const iat = Math.floor(clock().getTime() / 1_000);
      const exp = Math.ceil(row.signs_until.getTime() / 1_000);
      const cnf = { jwk: { kty: "OKP", crv: "Ed25519", x, kid: row.kid } } as const;
      const input = delegationSigningInput(signingKey.kid, { iat, exp, cnf });
      const delegation = compactJws(input, sign(null, Buffer.from(input), signingKey.privateKey));
      await db.pool.query(STORE, [row.kid, signingKey.kid, delegation, clock()]);
      logger.info({ kid: row.kid, receiptKid: signingKey.kid }, "origin key delegated");
    }
  };
}

/** Of the sealed private key, never of the public one beside it. Null when it does not open. */
function publicKeyOf({ kid, sealed_key }: Row, secretBox: SecretBox): string | null {
  try {
    const privateKey = createPrivateKey(secretBox.open(sealed_key, contextOf(kid)));
    return createPublicKey(privateKey).export({ format: "jwk" }).x!;
  } catch (error) {
    if (error instanceof UnopenableSecretError) return null;
    throw error;
  }
}
