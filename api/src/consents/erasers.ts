import type { PoolClient } from "pg";
import { eraseVerifications } from "../consentGate/eraseVerifications.ts";
import type { Eraser, Erasure } from "./eraser.ts";

/**
 * Everything that keeps personal values beside the records themselves; a folder that begins to keep some adds its eraser here. Audit rows
 * and logs never hold any: of a path that names a person (resource type `person`) they keep nothing.
 */
export const ERASERS: readonly Eraser[] = [forgetHolds, eraseVerifications];

/** Holds that are over name the person, and their reasons may. */
async function forgetHolds(
  tx: Pick<PoolClient, "query">,
  { tenantId, personDigest, consentIds }: Erasure,
): Promise<void> {
  await tx.query(
    `DELETE FROM app.consent_holds
     WHERE tenant_id = $1 AND released_at IS NOT NULL AND (person_digest = $2 OR consent_id = ANY($3::uuid[]))`,
    [tenantId, Buffer.from(personDigest, "hex"), consentIds],
  );
}
