import type { PlanLimits } from "../accounts/plan.ts";
import { isOverQuota, readMonthlyHashes } from "../accounts/readMonthlyHashes.ts";
import { submitInTransaction } from "../anchoring/submitInTransaction.ts";
import { writeAudit } from "../audit/writeAudit.ts";
import { ormOf, withTransaction } from "../db/transaction.ts";
import { QuotaExceededError, TooManyError, UnavailableError } from "../errors.ts";
import { isOfTheDisk, type UploadedFile } from "../http/upload.ts";
import { newId } from "../newId.ts";
import type { VerbArgs } from "../verb.ts";
import { describeMedium } from "./describeVerification.ts";
import { GateError } from "./gateError.ts";
import { imageTypeOf } from "./imageType.ts";
import { type MediaKey, type MediaStore, MediaStoreError } from "./mediaStore.ts";
import { stateAfter } from "./state.ts";
import { verificationName } from "./verificationId.ts";
import { getVerification, type MediumRow } from "./verifications.ts";
import type { MediaFields } from "./wire.ts";

export type AddMedia = VerbArgs<
  MediaFields & { verification: string; file: UploadedFile; chainId: number }
> & {
  store: MediaStore;
  planLimits: PlanLimits;
  tenantBytesMax: number;
};

const MEDIA_PER_VERIFICATION_MAX = 20;

const COUNT = `
  SELECT count(*)::int AS media FROM app.verification_media
  WHERE tenant_id = $1 AND verification_id = $2 AND state IN ('storing', 'stored')`;
const BYTES = `
  SELECT coalesce(sum(bytes), 0) AS bytes FROM app.verification_media
  WHERE tenant_id = $1 AND state IN ('storing', 'stored', 'deleting')`;
/** When some may be gone. */
const SWEPT_AFTER_S = 300;
const ANNOUNCE = `
  INSERT INTO app.verification_media
    (tenant_id, verification_id, id, state, type, side, document, content_type, bytes, sha256, created_at)
  VALUES ($1, $2, $3, 'storing', $4, $5, $6, $7, $8, decode($9, 'hex'), $10)`;
const STORED = `
  UPDATE app.verification_media SET state = 'stored'
  WHERE tenant_id = $1 AND verification_id = $2 AND id = $3 AND state = 'storing'`;
// Also of one that was committed without our hearing of it: nobody was told that it is kept.
const ABANDON =
  "UPDATE app.verification_media SET state = 'abandoned' WHERE tenant_id = $1 AND verification_id = $2 AND id = $3";
const FORGET = "DELETE FROM app.verification_media WHERE tenant_id = $1 AND verification_id = $2 AND id = $3";

/**
 * Keeps a medium of a verification and submits its hash (PA-6, PA-8). The row is there before the bytes are in the store, and says that
 * they are kept only when they are: what a stop leaves between is swept. 201 is said after the last of the two commits.
 * @throws {GateError} @throws {NotFoundError} @throws {QuotaExceededError}
 */
export async function addMedia(args: AddMedia) {
  await requireRoom(args);
  const contentType = await imageTypeOf(args.input.file.path);
  const medium = await announce(args, contentType);
  const { tenantId } = args.ctx.caller;
  const key = { tenantId, id: medium.id };
  try {
    await args.store.put(key, args.input.file);
    await confirm(args, medium);
  } catch (error) {
    await abandon(args, key, medium.verificationId, error);
    throw await refusalOf(error, args);
  }
  return describeMedium({ ...medium, state: "stored" });
}

/** Two uploads at the same time may both find the last place; what a disk holds is not so exact. */
async function requireRoom({ ctx, input, tenantBytesMax }: AddMedia): Promise<void> {
  const { rows } = await ctx.db.pool.query<{ bytes: string }>(BYTES, [ctx.caller.tenantId]);
  if (Number(rows[0]!.bytes) + input.file.bytes > tenantBytesMax)
    throw new TooManyError(`All media of a tenant may take ${tenantBytesMax} bytes together`, SWEPT_AFTER_S);
}

type Announced = MediumRow & { verificationId: string };

async function announce({ ctx, input }: AddMedia, contentType: string): Promise<Announced> {
  const { verification: name, file, type, side = null, document = null } = input;
  return withTransaction(ctx.db, async (tx) => {
    const { tenantId } = ctx.caller;
    const verification = await getVerification(tx, tenantId, name, { lock: true });
    stateAfter(verification.state, "addMedia");
    const { rows } = await tx.query<{ media: number }>(COUNT, [tenantId, verification.id]);
    if (rows[0]!.media >= MEDIA_PER_VERIFICATION_MAX) throw new GateError("TOO_MANY_MEDIA");
    const { bytes, sha256 } = file;
    const medium: Announced = {
      verificationId: verification.id,
      id: newId(),
      state: "storing",
      type,
      side,
      document,
      contentType,
      bytes,
      sha256,
      createdAt: ctx.clock(),
      deletedAt: null,
    };
    await tx.query(ANNOUNCE, [
      tenantId,
      verification.id,
      medium.id,
      type,
      side,
      document,
      contentType,
      bytes,
      sha256,
      medium.createdAt,
    ]);
    return medium;
  });
}

/** The verification may have been submitted or erased while the bytes were stored. */
async function confirm({ ctx, input, planLimits }: AddMedia, medium: Announced): Promise<void> {
  await withTransaction(ctx.db, async (tx) => {
    const { tenantId, plan } = ctx.caller;
    const verification = await getVerification(tx, tenantId, input.verification, { lock: true });
    stateAfter(verification.state, "addMedia");
    const { rowCount } = await tx.query(STORED, [tenantId, verification.id, medium.id]);
    if (rowCount !== 1) throw new UnavailableError("The upload took too long; send it again");
    await submitInTransaction(tx, {
      tenantId,
      contentHash: Buffer.from(medium.sha256, "hex"),
      chainId: input.chainId,
      now: ctx.clock(),
      hashesMax: plan && planLimits[plan],
    });
    await writeAudit(ormOf(tx), ctx, { resourceId: verificationName(verification.id), statusCode: 201 });
  });
}

/** What cannot be removed now is left to the sweep, as is what the store did not answer to: it may still come to keep the bytes. */
async function abandon(
  { ctx, store }: AddMedia,
  key: MediaKey,
  verificationId: string,
  error: unknown,
): Promise<void> {
  const row = [key.tenantId, verificationId, key.id];
  await ctx.db.pool.query(ABANDON, row);
  if (isUnanswered(error)) return;
  try {
    await store.remove(key);
  } catch {
    return;
  }
  await ctx.db.pool.query(FORGET, row);
}

/** Of a bucket: no answer in time, or none at all. */
function isUnanswered(error: unknown): boolean {
  return error instanceof Error && ["TypeError", "TimeoutError"].includes(error.name);
}

async function refusalOf(error: unknown, { ctx, planLimits }: AddMedia): Promise<unknown> {
  if (isOverQuota(error)) {
    const used = await readMonthlyHashes(ctx.db, ctx.caller.tenantId, ctx.clock());
    return new QuotaExceededError({ limit: planLimits[ctx.caller.plan!], used });
  }
  if (error instanceof MediaStoreError || isUnanswered(error) || isOfTheDisk(error))
    return new UnavailableError("The media store did not take the file; send it again", error);
  return error;
}
