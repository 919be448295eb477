import { writeAudit } from "../audit/writeAudit.ts";
import { ormOf, withTransaction } from "../db/transaction.ts";
import type { JobQueue } from "../jobs/jobQueue.ts";
import { newId } from "../newId.ts";
import type { VerbArgs } from "../verb.ts";
import { queueCallback } from "./callbacks.ts";
import { GateError } from "./gateError.ts";
import { stateAfter } from "./state.ts";
import { verificationName } from "./verificationId.ts";
import { getVerification, listMedia } from "./verifications.ts";

// The callback is signed by the key that submits: the one that opened the verification may be revoked by now.
const MOVE = `
  UPDATE app.verifications SET state = $3, submitted_at = $4, api_key_id = $5 WHERE tenant_id = $1 AND id = $2`;

/**
 * Submits a verification (PA-6): its move, the callback with its job, and the audit row are one transaction. A repeat changes nothing.
 * @throws {GateError} @throws {NotFoundError}
 */
export async function submitVerification({
  ctx,
  input,
  jobs,
}: VerbArgs<{ verification: string }> & { jobs: JobQueue }): Promise<void> {
  await withTransaction(ctx.db, async (tx) => {
    const verification = await getVerification(tx, ctx.caller.tenantId, input.verification, { lock: true });
    const state = stateAfter(verification.state, "submit");
    if (verification.state === "submitted") return;
    const media = await listMedia(tx, verification);
    if (!media.some(({ type, state }) => state === "stored" && type !== "document"))
      throw new GateError("MISSING_REQUIRED_MEDIA");
    const now = ctx.clock();
    await tx.query(MOVE, [verification.tenantId, verification.id, state, now, ctx.caller.apiKeyId]);
    if (verification.callbackUrl !== null) await queueCallback(tx, jobs, verification, newId(), now);
    await writeAudit(ormOf(tx), ctx, { resourceId: verificationName(verification.id), statusCode: 200 });
  });
}
