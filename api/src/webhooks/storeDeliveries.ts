import type { Transaction } from "../jobs/jobQueue.ts";
import { inTransaction, type JobQueue } from "../jobs/jobQueue.ts";
import { newId } from "../newId.ts";
import type { EventType } from "./eventTypes.ts";

export type NewDelivery = {
  tenantId: string;
  webhookId: string;
  eventId: string;
  eventType: EventType;
  body: string;
};

/** What a delivery's job holds: ids alone, so that whoever reads the queue learns nothing. */
export type DeliveryJob = { tenantId: string; webhookId: string; deliveryId: string; eventType: EventType };

const INSERT = `
  INSERT INTO app.webhook_deliveries (tenant_id, webhook_id, id, event_id, event_type, body, status, created_at)
  SELECT "tenantId", "webhookId", id, "eventId", "eventType", body, 'pending', $2::timestamptz
  FROM json_to_recordset($1::text::json)
    AS new ("tenantId" uuid, "webhookId" uuid, id uuid, "eventId" uuid, "eventType" text, body text)`;

/** Stores deliveries, each with the job of its first attempt, in the caller's transaction. @returns their ids, in order. */
export async function storeDeliveries(
  tx: Transaction,
  jobs: JobQueue,
  deliveries: readonly NewDelivery[],
  now: Date,
): Promise<string[]> {
  const rows = deliveries.map((delivery) => ({ id: newId(), ...delivery }));
  await inTransaction(tx).executeSql(INSERT, [JSON.stringify(rows), now.toISOString()]);
  await jobs.sendMany(
    tx,
    "webhook-delivery",
    rows.map(({ id, tenantId, webhookId, eventType }) => ({
      data: { tenantId, webhookId, deliveryId: id, eventType } satisfies DeliveryJob,
      group: { id: tenantId },
    })),
  );
  return rows.map(({ id }) => id);
}
