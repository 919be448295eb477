import type { PoolClient } from "pg";

/** A person whose values go. */
export type Erasure = {
  tenantId: string;
  /** What records name the person by, as visitor or as subject. */
  person: string;
  personDigest: string;
  /** The records that named the person. */
  consentIds: readonly string[];
};

/**
 * Deletes what one folder keeps of a person, in the erasure's transaction, so that all goes or nothing. What lies outside of the
 * database is marked there, and a job that is repeated until it has succeeded deletes it.
 */
export type Eraser = (tx: Pick<PoolClient, "query">, erasure: Erasure) => Promise<void>;

/**
 * Everything that keeps personal values beside the records themselves; a folder that begins to keep some adds its eraser here. Audit rows
 * and logs never hold any: of a path that names a person (resource type `person`) they keep nothing.
 */
export const ERASERS: readonly Eraser[] = [forgetHolds];

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
