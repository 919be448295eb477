import { compactJws, joinOrigin, originSigningInput } from "#protocol/consentOrigin.ts";
import type { Database } from "../db/client.ts";
import { remember } from "../remember.ts";
import type { StoredConsent } from "./findConsent.ts";
import { originStatement } from "./originSigner.ts";

/** The statement of a stored record's origin, as protocol/consentOrigin.ts joins it; null when none was signed. */
export type ReadOrigin = (consent: StoredConsent, receiptKid: string | null) => Promise<string | null>;

/** How long a new delegation may go unseen; milliseconds. */
const DELEGATIONS_STALE_MS = 1_000;

type Delegation = { kid: string; receiptKid: string; delegation: string };

/**
 * Puts stored origins together. The delegation is that of the key which signed the record's receipt, and before there is one, of the
 * newest key.
 */
export function createOriginReader({ pool }: Database, clock: () => Date): ReadOrigin {
  const readDelegations = remember(
    async () => {
      const { rows } = await pool.query<Delegation>(
        `SELECT kid, receipt_kid AS "receiptKid", delegation FROM app.origin_delegations ORDER BY created_at DESC`,
      );
      return rows;
    },
    DELEGATIONS_STALE_MS,
    clock,
  );
  return async (consent, receiptKid) => {
    const { originKid: kid, originSignature, recordDigest } = consent;
    if (kid === null || originSignature === null) return null;
    const statement = originStatement({ ...consent, recordDigest: recordDigest.toString("hex") });
    const jws = compactJws(originSigningInput(kid, statement), originSignature);
    const delegations = (await readDelegations()).filter((one) => one.kid === kid);
    const fitting = delegations.find((one) => one.receiptKid === receiptKid) ?? delegations[0];
    return joinOrigin(jws, fitting?.delegation ?? null);
  };
}
