import type { PoolClient } from "pg";
import type { Logger } from "pino";
import type { Database } from "../db/client.ts";
import { withTransaction } from "../db/transaction.ts";
import type { JobQueue } from "../jobs/jobQueue.ts";
import { hashEventId, readAnchoredHashes } from "./anchoredHashes.ts";
import { bodyOf, type EventType } from "./eventTypes.ts";
import type { AnchoredBatch } from "./recordEvent.ts";
import { type NewDelivery, storeDeliveries } from "./storeDeliveries.ts";

export type FanOutDeps = { db: Database; jobs: JobQueue; clock: () => Date; logger: Logger };

/**
 * Deliveries of a webhook that wait or are under way; further events stay in the outbox, where a batch is one row. So a receiver
 * that is slow or away never fills the queue, and holds up neither other tenants nor the tenant's other webhooks.
 */
const PENDING_MAX = 50;
const PENDING_WHILE_FAILING_MAX = 5;

const ROOM = `CASE WHEN w.is_failing THEN ${PENDING_WHILE_FAILING_MAX} ELSE ${PENDING_MAX} END - (
  SELECT count(*)::int FROM (
    SELECT FROM app.webhook_deliveries d
    WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id AND d.status = 'pending' LIMIT ${PENDING_MAX}) AS pending)`;

// From one webhook of the outbox to the next, by its key: as many steps as webhooks that wait, not as events.
const WAITING = `
  WITH RECURSIVE waiting AS (
    (SELECT tenant_id, webhook_id FROM app.webhook_outbox ORDER BY tenant_id, webhook_id LIMIT 1)
    UNION ALL
    SELECT next.tenant_id, next.webhook_id FROM waiting CROSS JOIN LATERAL (
      SELECT o.tenant_id, o.webhook_id FROM app.webhook_outbox o
      WHERE (o.tenant_id, o.webhook_id) > (waiting.tenant_id, waiting.webhook_id)
      ORDER BY o.tenant_id, o.webhook_id LIMIT 1) AS next)
  SELECT waiting.tenant_id, waiting.webhook_id AS id
  FROM waiting LEFT JOIN app.webhooks w ON w.tenant_id = waiting.tenant_id AND w.id = waiting.webhook_id
  WHERE w.id IS NULL OR w.status = 'disabled' OR ${ROOM} > 0`;

// Of a webhook that is gone or disabled: an event may have been stored by a transaction that did not know of it yet.
const DROP = `
  DELETE FROM app.webhook_outbox WHERE tenant_id = $1 AND webhook_id = $2
    AND NOT EXISTS (SELECT FROM app.webhooks WHERE tenant_id = $1 AND id = $2 AND status = 'active')`;

type WaitingWebhook = { tenant_id: string; id: string };
type OutboxRow = { id: string; type: EventType; data: object; next_leaf: number; created_at: Date };

/**
 * Turns what the outbox holds into deliveries with their jobs, for every webhook that has room for more.
 * @returns whether it stored any.
 */
export async function fanOutEvents(deps: FanOutDeps): Promise<boolean> {
  const { rows } = await deps.db.pool.query<WaitingWebhook>(WAITING);
  let stored = 0;
  if (rows.length > 0) await deps.jobs.boss();
  for (const webhook of rows) {
    try {
      stored += await fanOutTo(deps, webhook);
    } catch (err) {
      // The next look tries again; one webhook's trouble is not that of those after it.
      deps.logger.error(
        { err, tenantId: webhook.tenant_id, webhookId: webhook.id },
        "webhook events not fanned out",
      );
    }
  }
  return stored > 0;
}

/** One transaction: rows leave the outbox as their deliveries and jobs are stored, so each event is told of once. */
function fanOutTo({ db, jobs, clock }: FanOutDeps, webhook: WaitingWebhook): Promise<number> {
  const key = [webhook.tenant_id, webhook.id];
  return withTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ room: number }>(
      `SELECT ${ROOM} AS room FROM app.webhooks w
       WHERE w.tenant_id = $1 AND w.id = $2 AND w.status = 'active' FOR NO KEY UPDATE SKIP LOCKED`,
      key,
    );
    const [found] = rows;
    if (found === undefined) {
      await tx.query(DROP, key);
      return 0;
    }
    const deliveries = await takeFromOutbox(tx, webhook, Math.max(0, found.room));
    if (deliveries.length > 0) await storeDeliveries(tx, jobs, deliveries, clock());
    return deliveries.length;
  });
}

async function takeFromOutbox(tx: PoolClient, webhook: WaitingWebhook, room: number): Promise<NewDelivery[]> {
  const outbox = await tx.query<OutboxRow>(
    "SELECT id, type, data, next_leaf, created_at FROM app.webhook_outbox WHERE tenant_id = $1 AND webhook_id = $2 ORDER BY id LIMIT $3",
    [webhook.tenant_id, webhook.id, room],
  );
  const deliveries: NewDelivery[] = [];
  const taken: string[] = [];
  for (const row of outbox.rows) {
    if (deliveries.length >= room) break;
    const { events, nextLeaf } = await eventsOf(tx, webhook, row, room - deliveries.length);
    deliveries.push(...events);
    if (nextLeaf === null) {
      taken.push(row.id);
      continue;
    }
    await tx.query(
      "UPDATE app.webhook_outbox SET next_leaf = $4 WHERE tenant_id = $1 AND webhook_id = $2 AND id = $3",
      [webhook.tenant_id, webhook.id, row.id, nextLeaf],
    );
    break;
  }
  await tx.query(
    "DELETE FROM app.webhook_outbox WHERE tenant_id = $1 AND webhook_id = $2 AND id = ANY ($3::uuid[])",
    [webhook.tenant_id, webhook.id, taken],
  );
  return deliveries;
}

type Events = { events: NewDelivery[]; nextLeaf: number | null };

async function eventsOf(
  tx: PoolClient,
  webhook: WaitingWebhook,
  row: OutboxRow,
  limit: number,
): Promise<Events> {
  const deliver = (id: string, data: object): NewDelivery => ({
    tenantId: webhook.tenant_id,
    webhookId: webhook.id,
    eventId: id,
    eventType: row.type,
    body: bodyOf({ id, type: row.type, createdAt: row.created_at, data }),
  });
  if (row.type === "batch.anchored") {
    return { events: [deliver(row.id, { ...row.data, status: "anchored" })], nextLeaf: null };
  }
  if (row.type !== "hash.anchored") return { events: [deliver(row.id, row.data)], nextLeaf: null };
  const batch = row.data as AnchoredBatch;
  const { batchId, merkleRoot, anchor } = batch;
  const { hashes, nextLeaf } = await readAnchoredHashes(tx, batch, {
    tenantId: webhook.tenant_id,
    nextLeaf: row.next_leaf,
    limit,
  });
  const events = hashes.map(({ id, hash, externalId }) =>
    deliver(hashEventId(row.id, id), {
      id,
      hash,
      externalId,
      status: "anchored",
      batchId,
      merkleRoot,
      anchor,
    }),
  );
  return { events, nextLeaf };
}
