import type { PageInput } from "../accounts/wire.ts";
import type { Orm } from "../db/client.ts";
import { and, desc, eq, getTableColumns } from "../db/drizzle.ts";
import { webhookDeliveries } from "../db/webhooks.ts";
import { NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { requireOwnWebhook } from "./ownWebhook.ts";

const { tenantId: _callers, body: _notInTheLog, ...shownColumns } = getTableColumns(webhookDeliveries);

/** The log of a webhook's deliveries, the newest first. */
export async function listDeliveries({
  ctx,
  input: { id, page, limit },
}: VerbArgs<PageInput & { id: string }>) {
  const { tenantId } = ctx.caller;
  const { orm } = ctx.db;
  await requireOwnWebhook(orm, tenantId, id, false);
  const own = and(eq(webhookDeliveries.tenantId, tenantId), eq(webhookDeliveries.webhookId, id));
  const data = await orm
    .select(shownColumns)
    .from(webhookDeliveries)
    .where(own)
    .orderBy(desc(webhookDeliveries.id))
    .limit(limit)
    .offset((page - 1) * limit);
  return { data, pagination: { page, limit, total: await orm.$count(webhookDeliveries, own) } };
}

export type DeliveryId = { tenantId: string; webhookId: string; deliveryId: string };

export function isDelivery({ tenantId, webhookId, deliveryId }: DeliveryId) {
  return and(
    eq(webhookDeliveries.tenantId, tenantId),
    eq(webhookDeliveries.webhookId, webhookId),
    eq(webhookDeliveries.id, deliveryId),
  );
}

/** One delivery as the log shows it. @throws {NotFoundError} */
export async function findDelivery(tx: Pick<Orm, "select">, id: DeliveryId) {
  const [delivery] = await tx.select(shownColumns).from(webhookDeliveries).where(isDelivery(id));
  if (delivery === undefined) throw new NotFoundError("Delivery");
  return delivery;
}
