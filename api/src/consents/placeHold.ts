import { writeAudit } from "../audit/writeAudit.ts";
import { consentHolds } from "../db/consentHolds.ts";
import { sql } from "../db/drizzle.ts";
import { NotFoundError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { VerbArgs } from "../verb.ts";
import { erasureLock } from "./erasure.ts";
import { findConsentByToken } from "./findConsent.ts";
import { type HoldAnswer, toHoldAnswer } from "./holdAnswer.ts";
import { personDigest } from "./threads.ts";
import type { PlaceHoldInput } from "./wire.ts";

/** Keeps a person's records, or one record, from being erased until the hold is released. */
export async function placeHold({ ctx, input }: VerbArgs<PlaceHoldInput>): Promise<HoldAnswer> {
  const { tenantId } = ctx.caller;
  const consent = input.consentToken ? await findConsentByToken(ctx.db, tenantId, input.consentToken) : null;
  if (input.consentToken !== undefined && consent === null) throw new NotFoundError("Consent");
  return ctx.db.orm.transaction(async (tx) => {
    // An erasure that is under way ends first; the next one is refused.
    await tx.execute(sql`SELECT pg_advisory_xact_lock(hashtextextended(${erasureLock(tenantId)}, 0))`);
    const placed = {
      id: newId(),
      personDigest:
        input.person === undefined ? null : Buffer.from(personDigest(tenantId, input.person), "hex"),
      consentId: consent?.id ?? null,
      reason: input.reason,
      placedAt: ctx.clock(),
      releasedAt: null,
      releaseReason: null,
    };
    await tx.insert(consentHolds).values({ tenantId, ...placed });
    await writeAudit(tx, ctx, { resourceId: placed.id, statusCode: 201 });
    return toHoldAnswer(placed);
  });
}
