import { ConflictError, NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { LegalHoldError } from "./consentErrors.ts";
import { consentIdOf } from "./consentToken.ts";
import { ERASERS } from "./erasers.ts";
import {
  type ErasureAnswer,
  eraseLocked,
  LOCKED_COLUMNS,
  type LockedRecord,
  withErasure,
} from "./erasure.ts";

// A verification goes as a whole, so that a hold on any of its consents keeps it.
const FIND_HOLD = `
  SELECT reason FROM app.consent_holds
  WHERE tenant_id = $1 AND released_at IS NULL AND (consent_id = $2 OR consent_id IN (
    SELECT other.consent_id FROM app.gate_acceptances a JOIN app.gate_acceptances other USING (tenant_id, verification_id)
    WHERE a.tenant_id = $1 AND a.consent_id = $2)) ORDER BY id LIMIT 1`;
const LOCK_RECORD = `
  SELECT ${LOCKED_COLUMNS}, octet_length(person_digest) > 0 AS "namesPerson", erased_by IS NOT NULL AS "isErased"
  FROM app.consents WHERE tenant_id = $1 AND id = $2 AND surface <> 'erasure' FOR UPDATE`;
const FORGET_HOLDS = `
  DELETE FROM app.consent_holds WHERE tenant_id = $1 AND released_at IS NOT NULL AND consent_id = $2`;

type Row = LockedRecord & { namesPerson: boolean | null; isErased: boolean };

/**
 * Erases what one record holds of a person whom it does not name: an address, an agent, metadata. Digests stay. A repeat erases nothing and
 * leaves a record that says so.
 * @throws {NotFoundError} @throws {ConflictError} for a record that names its person, of whom others may tell as much.
 * @throws {LegalHoldError} 409 with the hold's reason; nothing is erased.
 */
export async function eraseConsent({
  ctx,
  input,
}: VerbArgs<{ consentToken: string; chainId: number }>): Promise<ErasureAnswer> {
  return withErasure(ctx, input.chainId, async (erasure) => {
    const { tenantId, tx } = erasure;
    const consentId = consentIdOf(input.consentToken);
    const key = [tenantId, consentId];
    // Before the record, as for a person: where a verification is locked, its record comes after it.
    for (const erase of ERASERS) await erase(tx, { tenantId, person: null, consentId });
    const { rows } = await tx.query<Row>(LOCK_RECORD, key);
    const [record] = rows;
    if (record === undefined) throw new NotFoundError("Consent");
    if (record.namesPerson) throw new ConflictError("The consent names a person: erase the person");
    if (record.isErased) return [];
    const held = await tx.query<{ reason: string }>(FIND_HOLD, key);
    if (held.rows[0] !== undefined) throw new LegalHoldError(held.rows[0].reason);
    await eraseLocked(erasure, [record]);
    await tx.query(FORGET_HOLDS, key);
    return [record];
  });
}
