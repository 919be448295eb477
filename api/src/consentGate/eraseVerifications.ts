import type { Eraser } from "../consents/eraser.ts";

const ERASE = `
  UPDATE app.verifications SET state = 'erased', external_id = NULL, callback_url = NULL, metadata = NULL
  WHERE tenant_id = $1 AND (external_id = $2 OR external_id IS NULL AND id IN (
    SELECT verification_id FROM app.gate_acceptances WHERE tenant_id = $1 AND consent_id = $3)) RETURNING id`;
const MARK_MEDIA = `
  UPDATE app.verification_media SET state = 'deleting'
  WHERE tenant_id = $1 AND verification_id = ANY ($2::uuid[]) AND state = 'stored'`;

/** Takes a person's verifications, or the nameless one in which a consent was given: their values at once, the bytes of their media by the next sweep. Hashes stay, as digests do. */
export const eraseVerifications: Eraser = async (tx, { tenantId, person, consentId }) => {
  const { rows } = await tx.query<{ id: string }>(ERASE, [tenantId, person, consentId]);
  await tx.query(MARK_MEDIA, [tenantId, rows.map(({ id }) => id)]);
};
