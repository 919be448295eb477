import { writeAudit } from "../audit/writeAudit.ts";
import { consentHolds } from "../db/consentHolds.ts";
import { and, eq, isNull } from "../db/drizzle.ts";
import { ConflictError, NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { type HoldAnswer, toHoldAnswer } from "./holdAnswer.ts";

/** Ends a hold, with a reason, once. */
export async function releaseHold({
  ctx,
  input,
}: VerbArgs<{ id: string; reason: string }>): Promise<HoldAnswer> {
  const isOwn = and(eq(consentHolds.tenantId, ctx.caller.tenantId), eq(consentHolds.id, input.id));
  return ctx.db.orm.transaction(async (tx) => {
    const [released] = await tx
      .update(consentHolds)
      .set({ releasedAt: ctx.clock(), releaseReason: input.reason })
      .where(and(isOwn, isNull(consentHolds.releasedAt)))
      .returning();
    if (released === undefined) {
      const isThere = (await tx.$count(consentHolds, isOwn)) > 0;
      throw isThere ? new ConflictError("The hold was released before") : new NotFoundError("Hold");
    }
    await writeAudit(tx, ctx, { resourceId: input.id, statusCode: 200 });
    return toHoldAnswer(released);
  });
}
