import { hash } from "node:crypto";
import type { PoolClient } from "pg";
import { withTransaction } from "../db/transaction.ts";
import { newId } from "../newId.ts";
import type { Context } from "../verb.ts";
import { consentToken } from "./consentToken.ts";
import type { NewConsent, RecordedConsent } from "./newConsent.ts";
import type { SignOrigins } from "./originSigner.ts";
import { makeGroup } from "./recordGroup.ts";
import { digestsOfErased } from "./sealRecord.ts";
import { storeRecords } from "./storeRecords.ts";

/** `record`: the erasure's own, which is anchored as any other. */
export type ErasureAnswer = { erased: number; record: RecordedConsent };

/** A record that is locked and about to be erased; its digest as hex. */
export type LockedRecord = { id: string; record_digest: string; personal: string | null };
export const LOCKED_COLUMNS = "id, encode(record_digest, 'hex') AS record_digest, personal";

/** What is under way: its transaction, and the id of its own record. */
export type Erasure = { tx: PoolClient; tenantId: string; id: string };

const ERASE_RECORDS = `
  UPDATE app.consents c
  SET personal = NULL, personal_digests = item.digests, person_digest = NULL, thread_digest = NULL, thread_position = NULL,
      erased_by = $2
  FROM unnest($3::uuid[], $4::text[]) AS item (id, digests)
  WHERE c.tenant_id = $1 AND c.id = item.id`;

/** Runs an erasure in one transaction, with the erasure's own record in it: after a stop anywhere all is as before. */
export async function withErasure(
  ctx: Context,
  chainId: number,
  work: (erasure: Erasure) => Promise<LockedRecord[]>,
): Promise<ErasureAnswer> {
  const { tenantId } = ctx.caller;
  const id = newId();
  const signOrigins = await ctx.originSigner();
  return withTransaction(ctx.db, async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [erasureLock(tenantId)]);
    const erased = await work({ tx, tenantId, id });
    const record = await recordErasure(tx, { ctx, signOrigins, id, chainId, erased });
    return { erased: erased.length, record };
  });
}

/** Holds and erasures of a tenant come one after the other, so that neither misses the other. */
export function erasureLock(tenantId: string): string {
  return `holdfast.erasure.${tenantId}`;
}

/** Takes the personal values and salts of records, and leaves their digests. */
export async function eraseLocked({ tx, tenantId, id }: Erasure, records: LockedRecord[]): Promise<void> {
  await tx.query(ERASE_RECORDS, [
    tenantId,
    id,
    records.map((record) => record.id),
    records.map((record) => digestsOfErased(record.personal)),
  ]);
}

type ErasureRecord = {
  ctx: Context;
  signOrigins: SignOrigins;
  id: string;
  chainId: number;
  erased: LockedRecord[];
};

/** A tenant at the end of its plan may erase all the same, so no quota is given; the record is counted. */
async function recordErasure(
  tx: PoolClient,
  { ctx, signOrigins, id, chainId, erased }: ErasureRecord,
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
  await storeRecords(tx, signOrigins, { ...toStore, accessVersion: null, quotas: new Map() });
  ctx.call.isRecorded = true;
  ctx.call.resourceId = consentToken(id);
  const [outcome] = outcomes;
  if (outcome === null || outcome instanceof Error) throw new Error("an erasure's record was not made");
  return outcome!.recorded[0]!;
}
