import { writeAudit } from "../audit/writeAudit.ts";
import type { JobQueue } from "../jobs/jobQueue.ts";
import { newId } from "../newId.ts";
import type { VerbArgs } from "../verb.ts";
import { bodyOf } from "./eventTypes.ts";
import { findDelivery } from "./listDeliveries.ts";
import { requireActive, requireOwnWebhook } from "./ownWebhook.ts";
import { storeDeliveries } from "./storeDeliveries.ts";

/** Sends `webhook.test` to a webhook, whatever events it is subscribed to. */
export async function testWebhook({
  ctx,
  input: { id },
  jobs,
}: VerbArgs<{ id: string }> & { jobs: JobQueue }) {
  const { tenantId } = ctx.caller;
  const now = ctx.clock();
  return ctx.db.orm.transaction(async (tx) => {
    requireActive(await requireOwnWebhook(tx, tenantId, id, true));
    const event = { id: newId(), type: "webhook.test", createdAt: now, data: { webhookId: id } } as const;
    const delivery = {
      tenantId,
      webhookId: id,
      eventId: event.id,
      eventType: event.type,
      body: bodyOf(event),
    };
    const [deliveryId] = await storeDeliveries(tx, jobs, [delivery], now);
    await writeAudit(tx, ctx, { resourceId: id, statusCode: 202 });
    return findDelivery(tx, { tenantId, webhookId: id, deliveryId: deliveryId! });
  });
}
