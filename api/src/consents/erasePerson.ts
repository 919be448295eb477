import { hash } from "node:crypto";
import type { PoolClient } from "pg";
import { withTransaction } from "../db/transaction.ts";
import { newId } from "../newId.ts";
import type { VerbArgs } from "../verb.ts";
import { LegalHoldError } from "./consentErrors.ts";
import { consentToken } from "./consentToken.ts";
import { ERASERS } from "./erasers.ts";
import type { NewConsent, RecordedConsent } from "./newConsent.ts";
import { makeGroup } from "./recordGroup.ts";
import { digestsOfErased } from "./sealRecord.ts";
import { storeRecords } from "./storeRecords.ts";
import { personDigest } from "./threads.ts";

export type ErasePersonInput = {
  /** What records name the person by, as visitor or as subject. */
  person: string;
  /** The chain that the erasure's own record goes to. */
  chainId: number;
};

/** `record`: the erasure's own, which is anchored as any other. */
export type ErasureAnswer = { erased: number; record: RecordedConsent };

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
  SELECT id, encode(record_digest, 'hex') AS record_digest, personal FROM app.consents
  WHERE tenant_id = $1 AND person_digest = $2 AND thread_digest IS NOT NULL
  ORDER BY id LIMIT ${CHUNK_RECORDS} FOR UPDATE`;

const ERASE_RECORDS = `
  UPDATE app.consents c
  SET personal = NULL, personal_digests = item.digests, person_digest = NULL, thread_digest = NULL, thread_position = NULL,
      erased_by = $2
  FROM unnest($3::uuid[], $4::text[]) AS item (id, digests)
  WHERE c.tenant_id = $1 AND c.id = item.id`;

type LockedRow = { id: string; record_digest: string; personal: string | null };

/**
 * Erases a person: every personal value and its salt goes, on all surfaces and wherever else it is kept, and the digests stay, so that
 * what is left still verifies (protocol §7). One transaction, with the erasure's own record in it: after a stop anywhere all is as
 * before. A repeat finds nothing and leaves a record that says so. A consent that is recorded at the same time may come after it.
 * @throws {LegalHoldError} 409 with the hold's reason; nothing is erased.
 */
export async function erasePerson({ ctx, input }: VerbArgs<ErasePersonInput>): Promise<ErasureAnswer> {
  const { tenantId } = ctx.caller;
  const digest = personDigest(tenantId, input.person);
  const id = newId();
  return withTransaction(ctx.db, async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [erasureLock(tenantId)]);
    await refuseHeld(tx, tenantId, digest);
    // Before the records: a verification that names the person can still make one, until it is locked and emptied.
    for (const erase of ERASERS) await erase(tx, { tenantId, person: input.person });
    const erased = await eraseRecords(tx, { tenantId, digest, erasureId: id });
    await forgetHolds(tx, { tenantId, digest, erased });
    const record = await recordErasure(tx, { ctx, id, chainId: input.chainId, erased });
    return { erased: erased.length, record };
  });
}

/** Holds and erasures of a tenant come one after the other, so that neither misses the other. */
export function erasureLock(tenantId: string): string {
  return `holdfast.erasure.${tenantId}`;
}

async function refuseHeld(tx: PoolClient, tenantId: string, digest: string): Promise<void> {
  const { rows } = await tx.query<{ reason: string }>(FIND_HOLD, [tenantId, Buffer.from(digest, "hex")]);
  if (rows[0] !== undefined) throw new LegalHoldError(rows[0].reason);
}

/** Erases until nothing is found: also what was committed while the first records were locked. */
async function eraseRecords(
  tx: PoolClient,
  { tenantId, digest, erasureId }: { tenantId: string; digest: string; erasureId: string },
): Promise<LockedRow[]> {
  const erased: LockedRow[] = [];
  for (;;) {
    const { rows } = await tx.query<LockedRow>(LOCK_RECORDS, [tenantId, Buffer.from(digest, "hex")]);
    if (rows.length === 0) return erased;
    await tx.query(ERASE_RECORDS, [
      tenantId,
      erasureId,
      rows.map((row) => row.id),
      rows.map((row) => digestsOfErased(row.personal)),
    ]);
    for (const { id, record_digest } of rows) erased.push({ id, record_digest, personal: null });
  }
}

/** Holds that are over name the person, and their reasons may. */
async function forgetHolds(
  tx: PoolClient,
  { tenantId, digest, erased }: { tenantId: string; digest: string; erased: LockedRow[] },
): Promise<void> {
  await tx.query(
    `DELETE FROM app.consent_holds
     WHERE tenant_id = $1 AND released_at IS NOT NULL AND (person_digest = $2 OR consent_id = ANY($3::uuid[]))`,
    [tenantId, Buffer.from(digest, "hex"), erased.map((row) => row.id)],
  );
}

type ErasureRecord = Pick<VerbArgs<unknown>, "ctx"> & { id: string; chainId: number; erased: LockedRow[] };

/** A tenant at the end of its plan may erase all the same, so no quota is given; the record is counted. */
async function recordErasure(
  tx: PoolClient,
  { ctx, id, chainId, erased }: ErasureRecord,
): Promise<RecordedConsent> {
  const digests = erased.map((row) => row.record_digest).sort();
  const consent: NewConsent = {
    surface: "erasure",
    type: "erasure",
    action: "none",
    erased: { digests_sha256: hash("sha256", digests.join("\n")), records: erased.length },
  };
  const call = {
    input: { ctx, renewCaller: async () => ctx.caller, chainId, consents: [consent] },
    drafts: [{ id, consent, thread: null }],
    key: null,
  };
  const nothing = { heads: new Map(), answers: new Map() };
  const { outcomes, toStore } = makeGroup([call], nothing, { now: ctx.clock(), addressDigest: null });
  await storeRecords(tx, { ...toStore, accessVersion: null, quotas: new Map() });
  ctx.call.isRecorded = true;
  ctx.call.resourceId = consentToken(id);
  const [outcome] = outcomes;
  if (outcome === null || outcome instanceof Error) throw new Error("an erasure's record was not made");
  return outcome!.recorded[0]!;
}
