import { writeAudit } from "../audit/writeAudit.ts";
import { webhookDeliveries } from "../db/webhooks.ts";
import { ConflictError, NotFoundError } from "../errors.ts";
import type { JobQueue } from "../jobs/jobQueue.ts";
import type { VerbArgs } from "../verb.ts";
import { findDelivery, isDelivery } from "./listDeliveries.ts";
import { requireActive, requireOwnWebhook } from "./ownWebhook.ts";
import { storeDeliveries } from "./storeDeliveries.ts";

/** Delivers again what was delivered, given up or cancelled: a new delivery with the same event id and body. */
export async function replayDelivery({
  ctx,
  input: { id, deliveryId },
  jobs,
}: VerbArgs<{ id: string; deliveryId: string }> & { jobs: JobQueue }) {
  const { tenantId } = ctx.caller;
  return ctx.db.orm.transaction(async (tx) => {
    const webhook = await requireOwnWebhook(tx, tenantId, id, true);
    const [past] = await tx
      .select()
      .from(webhookDeliveries)
      .where(isDelivery({ tenantId, webhookId: id, deliveryId }));
    if (past === undefined) throw new NotFoundError("Delivery");
    requireActive(webhook);
    if (past.status === "pending") throw new ConflictError("The delivery is under way");
    const { eventId, eventType, body } = past;
    const again = { tenantId, webhookId: id, eventId, eventType, body };
    const [newDeliveryId] = await storeDeliveries(tx, jobs, [again], ctx.clock());
    await writeAudit(tx, ctx, { resourceId: deliveryId, statusCode: 202 });
    return findDelivery(tx, { tenantId, webhookId: id, deliveryId: newDeliveryId! });
  });
}
