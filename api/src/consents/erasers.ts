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

/** Everything that keeps personal values beside the records themselves. A folder that begins to adds its eraser here. */
export const ERASERS: readonly Eraser[] = [forgetHolds, forgetInAudit];

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

/** Routes whose path names a person leave audit rows with the resource type `person`. */
async function forgetInAudit(tx: Pick<PoolClient, "query">, { tenantId, person }: Erasure): Promise<void> {
  await tx.query("SELECT app.forget_person_in_audit($1, $2)", [tenantId, person]);
}
