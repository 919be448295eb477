import type { VerbArgs } from "../verb.ts";
import { LegalHoldError } from "./consentErrors.ts";
import { ERASERS } from "./erasers.ts";
import {
  type Erasure,
  type ErasureAnswer,
  eraseLocked,
  LOCKED_COLUMNS,
  type LockedRecord,
  withErasure,
} from "./erasure.ts";
import { personDigest } from "./threads.ts";

export type ErasePersonInput = {
  /** What records name the person by, as visitor or as subject. */
  person: string;
  /** The chain that the erasure's own record goes to. */
  chainId: number;
};

/** Records that one statement takes. */
const CHUNK_RECORDS = 1_000;

const FIND_HOLD = `
  SELECT reason FROM app.consent_holds
  WHERE tenant_id = $1 AND released_at IS NULL
    AND (person_digest = $2 OR consent_id IN (
      SELECT id FROM app.consents WHERE tenant_id = $1 AND person_digest = $2 AND thread_digest IS NOT NULL))
  ORDER BY id LIMIT 1`;

// Whoever continues one of the threads holds its last record's lock, so that here all of a thread is seen or the other waits.
const LOCK_RECORDS = `
  SELECT ${LOCKED_COLUMNS} FROM app.consents
  WHERE tenant_id = $1 AND person_digest = $2 AND thread_digest IS NOT NULL
  ORDER BY id LIMIT ${CHUNK_RECORDS} FOR UPDATE`;

/** Holds that are over name the person, and their reasons may. */
const FORGET_HOLDS = `
  DELETE FROM app.consent_holds
  WHERE tenant_id = $1 AND released_at IS NOT NULL AND (person_digest = $2 OR consent_id = ANY($3::uuid[]))`;

/**
 * Erases a person: every personal value and its salt goes, on all surfaces and wherever else it is kept, and the digests stay, so that
 * what is left still verifies (protocol §7). One transaction. A repeat finds nothing and leaves a record that says so. A consent that is
 * recorded at the same time may come after it.
 * @throws {LegalHoldError} 409 with the hold's reason; nothing is erased.
 */
export async function erasePerson({ ctx, input }: VerbArgs<ErasePersonInput>): Promise<ErasureAnswer> {
  return withErasure(ctx, input.chainId, async (erasure) => {
    const { tx, tenantId } = erasure;
    const digest = Buffer.from(personDigest(tenantId, input.person), "hex");
    const held = await tx.query<{ reason: string }>(FIND_HOLD, [tenantId, digest]);
    if (held.rows[0] !== undefined) throw new LegalHoldError(held.rows[0].reason);
    // Before the records: a verification that names the person can still make one, until it is locked and emptied.
    for (const erase of ERASERS) await erase(tx, { tenantId, person: input.person, consentId: null });
    const erased = await eraseRecords(erasure, digest);
    await tx.query(FORGET_HOLDS, [tenantId, digest, erased.map(({ id }) => id)]);
    return erased;
  });
}

/** Erases until nothing is found: also what was committed while the first records were locked. */
async function eraseRecords(erasure: Erasure, digest: Buffer): Promise<LockedRecord[]> {
  const erased: LockedRecord[] = [];
  for (;;) {
    const { rows } = await erasure.tx.query<LockedRecord>(LOCK_RECORDS, [erasure.tenantId, digest]);
    if (rows.length === 0) return erased;
    await eraseLocked(erasure, rows);
    for (const { id, record_digest } of rows) erased.push({ id, record_digest, personal: null });
  }
}
