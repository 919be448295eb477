import type { PoolClient } from "pg";
import type { PlanLimits } from "../accounts/plan.ts";
import { isOverQuota, readMonthlyHashes } from "../accounts/readMonthlyHashes.ts";
import type { NewConsent, RecordedConsent } from "../consents/newConsent.ts";
import type { SignOrigins } from "../consents/originSigner.ts";
import { readThreadHeads } from "../consents/readEarlier.ts";
import { draft, makeGroup, threadText } from "../consents/recordGroup.ts";
import { isTaken, quotasOf, storeRecords } from "../consents/storeRecords.ts";
import { withTransaction } from "../db/transaction.ts";
import { QuotaExceededError, UnavailableError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { Context, VerbArgs } from "../verb.ts";
import { findGateVersion, type GateVersion } from "./gateDocument.ts";
import { GateError } from "./gateError.ts";
import { stateAfter } from "./state.ts";
import { verificationName } from "./verificationId.ts";
import { getVerification, listAcceptances, type VerificationRow } from "./verifications.ts";
import type { AcceptConsentInput } from "./wire.ts";

export type AcceptConsent = VerbArgs<AcceptConsentInput & { verification: string; chainId: number }> & {
  planLimits: PlanLimits;
};
type SigningAcceptance = AcceptConsent & { signOrigins: SignOrigins };
export type Acceptance = Pick<GateVersion, "number" | "version"> & { acceptedAt: Date };

const ACCEPT = `
  INSERT INTO app.gate_acceptances (tenant_id, verification_id, version_number, version, text_sha256, consent_id, accepted_at)
  VALUES ($1, $2, $3, $4, decode($5, 'hex'), $6, $7)`;
const MOVE = "UPDATE app.verifications SET state = $3 WHERE tenant_id = $1 AND id = $2";

/**
 * Accepts a version of the gate's text (PA-3): the consent record, its submission, the acceptance and the verification's move are one
 * transaction under the verification's lock, so that of many at once one is recorded and the others are answered alike (PA-4).
 * @throws {GateError} 409 @throws {NotFoundError} @throws {QuotaExceededError}
 */
export async function acceptConsent(args: AcceptConsent): Promise<Acceptance> {
  const { ctx, planLimits } = args;
  try {
    const signOrigins = await ctx.originSigner();
    return await withTransaction(ctx.db, (tx) => acceptIn(tx, { ...args, signOrigins }));
  } catch (error) {
    if (isTaken(error)) throw new UnavailableError("The consent was recorded by another request; try again");
    if (!isOverQuota(error)) throw error;
    const used = await readMonthlyHashes(ctx.db, ctx.caller.tenantId, ctx.clock());
    throw new QuotaExceededError({ limit: planLimits[ctx.caller.plan!], used });
  }
}

async function acceptIn(tx: PoolClient, args: SigningAcceptance): Promise<Acceptance> {
  const { ctx, input } = args;
  const { consent_version_id: number, text_sha256: textSha256 } = input;
  const verification = await getVerification(tx, ctx.caller.tenantId, input.verification, { lock: true });
  const earlier = (await listAcceptances(tx, verification)).find((one) => one.versionNumber === number);
  if (earlier !== undefined) {
    // It was accepted when it was active; whether it still is does not matter any more.
    if (earlier.textSha256 !== textSha256) throw new GateError("CONSENT_SHA256_MISMATCH");
    return { number, version: earlier.version, acceptedAt: earlier.acceptedAt };
  }
  const state = stateAfter(verification.state, "acceptConsent");
  const version = await findGateVersion(tx, verification.tenantId, number);
  if (version?.status !== "active") throw new GateError("CONSENT_VERSION_INACTIVE");
  if (version.textSha256 !== textSha256) throw new GateError("CONSENT_SHA256_MISMATCH");
  const { id, createdAt } = await recordAcceptance(tx, args, verification, version);
  await tx.query(ACCEPT, [
    verification.tenantId,
    verification.id,
    number,
    version.version,
    textSha256,
    id,
    createdAt,
  ]);
  await tx.query(MOVE, [verification.tenantId, verification.id, state]);
  return { number, version: version.version, acceptedAt: createdAt };
}

async function recordAcceptance(
  tx: PoolClient,
  { ctx, input, planLimits, signOrigins }: SigningAcceptance,
  verification: VerificationRow,
  version: GateVersion,
): Promise<RecordedConsent> {
  const consents = [newGateConsent(verification, version)];
  const renewCaller = async () => ctx.caller;
  const call = draft({ ctx, renewCaller, chainId: input.chainId, consents, statusCode: 200 }, newId);
  const threads = call.drafts.flatMap(({ thread }) => thread ?? []);
  const heads = await readThreadHeads({ pool: tx }, threads);
  const earlier = {
    heads: new Map(
      threads.flatMap((thread, i) => (heads[i] ? [[threadText(thread), heads[i]] as const] : [])),
    ),
    answers: new Map(),
  };
  const { outcomes, toStore } = makeGroup([call], earlier, { now: ctx.clock(), addressDigest: null });
  const stored = await storeRecords(tx, signOrigins, {
    ...toStore,
    accessVersion: null,
    quotas: quotasOf([ctx.caller], planLimits),
  });
  const [outcome] = outcomes;
  if (stored !== "stored" || outcome === null || outcome instanceof Error)
    throw new UnavailableError("The person is being erased; try again");
  audited(ctx, verificationName(verification.id));
  return outcome!.recorded[0]!;
}

function newGateConsent({ id, externalId }: VerificationRow, version: GateVersion): NewConsent {
  return {
    surface: "gate",
    type: "gate_consent",
    action: "grant",
    decision: "accept",
    ...(externalId === null ? {} : { subject: externalId }),
    verification: verificationName(id),
    document: {
      versionId: version.id,
      slug: version.slug,
      version: version.version,
      language: version.language,
      textSha256: version.textSha256,
    },
    language: version.language,
  };
}

/** The row was written with the record. */
function audited({ call }: Context, resourceId: string): void {
  call.isRecorded = true;
  call.resourceId = resourceId;
}
