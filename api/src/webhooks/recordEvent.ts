import type { Hex } from "#protocol/bytes.ts";
import type { ReceiptAnchor } from "#protocol/receipt.ts";
import { inTransaction, type Transaction } from "../jobs/jobQueue.ts";
import { newId } from "../newId.ts";
import type { EventType } from "./eventTypes.ts";

export type RecordedEvent = {
  tenantId: string;
  type: Exclude<EventType, "hash.anchored" | "batch.anchored" | "webhook.test">;
  /** Stands in the body as it is, and is kept for 30 days: ids and hashes, no personal values. */
  data: object;
  createdAt: Date;
};

const RECORD = `
  INSERT INTO app.webhook_outbox (tenant_id, webhook_id, id, type, data, created_at)
  SELECT w.tenant_id, w.id, $2::uuid, $3::text, $4::text::jsonb, $5::timestamptz
  FROM app.webhooks w WHERE w.tenant_id = $1::uuid AND w.status = 'active' AND $3::text = ANY (w.events)`;

/**
 * Lets the tenant's webhooks hear of a fact (HA-10), in the transaction that stores it: both are committed, or neither. One
 * statement, which stores nothing for a tenant without a webhook for the event.
 */
export async function recordEvent(tx: Transaction, event: RecordedEvent): Promise<void> {
  const { tenantId, type, data, createdAt } = event;
  const values = [tenantId, newId(), type, JSON.stringify(data), createdAt.toISOString()];
  await inTransaction(tx).executeSql(RECORD, values);
}

/** What the outbox keeps of an anchored batch: the facts as they were compared and signed. */
export type AnchoredBatch = {
  batchId: string;
  merkleRoot: Hex;
  anchor: Omit<ReceiptAnchor, "leafIndex">;
};

const RECORD_ANCHORED = `
  INSERT INTO app.webhook_outbox (tenant_id, webhook_id, id, type, data, created_at)
  SELECT w.tenant_id, w.id, event.id, event.type, $4::jsonb || jsonb_build_object('hashes', member.hashes), $5
  FROM app.batch_tenants member
  JOIN app.webhooks w ON w.tenant_id = member.tenant_id AND w.status = 'active'
  JOIN (VALUES ($2::uuid, 'hash.anchored'), ($3::uuid, 'batch.anchored')) AS event (id, type) ON event.type = ANY (w.events)
  WHERE member.batch_id = $1`;

/**
 * The same for a batch: `batch.anchored`, and `hash.anchored` for each hash, to every tenant with hashes in it. One row per webhook
 * and type, however many hashes there are, so that it costs the anchoring transaction next to nothing.
 */
export async function recordAnchored(
  tx: Transaction,
  { anchoredAt, ...batch }: AnchoredBatch & { anchoredAt: Date },
): Promise<void> {
  const values = [batch.batchId, newId(), newId(), JSON.stringify(batch), anchoredAt.toISOString()];
  await inTransaction(tx).executeSql(RECORD_ANCHORED, values);
}
