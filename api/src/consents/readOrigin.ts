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
  const readNow = async () => {
    const { rows } = await pool.query<Delegation>(
      `SELECT kid, receipt_kid AS "receiptKid", delegation FROM app.origin_delegations ORDER BY created_at DESC`,
    );
    return rows;
  };
  const readRemembered = remember(readNow, DELEGATIONS_STALE_MS, clock);
  return async (consent, receiptKid) => {
    const { originKid: kid, originSignature, recordDigest } = consent;
    if (kid === null || originSignature === null) return null;
    const statement = originStatement({ ...consent, recordDigest: recordDigest.toString("hex") });
    const jws = compactJws(originSigningInput(kid, statement), originSignature);
    const of = (delegations: Delegation[]) =>
      delegations.find((one) => one.kid === kid && (receiptKid === null || one.receiptKid === receiptKid));
    // A receipt is signed after its key has delegated: what is remembered may be from before that.
    const fitting = of(await readRemembered()) ?? (receiptKid === null ? undefined : of(await readNow()));
    return joinOrigin(jws, fitting?.delegation ?? null);
  };
}
