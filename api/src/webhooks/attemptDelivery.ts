import type { Job } from "pg-boss";
import type { Logger } from "pino";
import type { Database } from "../db/client.ts";
import { withTransaction } from "../db/transaction.ts";
import type { JobQueue } from "../jobs/jobQueue.ts";
import type { GuardedPost, PostOutcome } from "../outbound/guardedPost.ts";
import { type SecretBox, UnopenableSecretError } from "../secrets/secretBox.ts";
import { ATTEMPTS_MAX } from "./attempts.ts";
import { type Settlement, settleAttempt } from "./settleAttempt.ts";
import { signDelivery } from "./signDelivery.ts";
import type { DeliveryJob } from "./storeDeliveries.ts";
import { openWebhookSecret } from "./webhookSecret.ts";

export type AttemptDeps = {
  db: Database;
  jobs: JobQueue;
  post: GuardedPost;
  /** Null when no secret is configured. */
  secretBox: SecretBox | null;
  clock: () => Date;
  logger: Logger;
};

type Row = {
  status: "pending" | "delivered" | "dead" | "cancelled";
  attempt: number;
  event_id: string;
  body: string;
  url: string;
  secret: Buffer;
  webhook_status: "active" | "disabled";
  tenant_status: "active" | "suspended";
};

const FIND = `
  SELECT d.status, d.attempt, d.event_id, d.body, w.url, w.secret, w.status AS webhook_status, t.status AS tenant_status
  FROM app.webhook_deliveries d
  JOIN app.webhooks w ON w.tenant_id = d.tenant_id AND w.id = d.webhook_id
  JOIN app.tenants t ON t.id = d.tenant_id
  WHERE d.tenant_id = $1 AND d.webhook_id = $2 AND d.id = $3`;

/**
 * One attempt of a delivery (HA-11). The outcome, the next attempt's job or the dead letter, and the end of this job are one
 * transaction after it: who stops before that has another worker make the same attempt again, so a receiver may hear of an event
 * twice, with the same webhook-id, and never not at all.
 */
export async function attemptDelivery(deps: AttemptDeps, job: Job<DeliveryJob>): Promise<void> {
  const { tenantId, webhookId, deliveryId } = job.data;
  const { rows } = await deps.db.pool.query<Row>(FIND, [tenantId, webhookId, deliveryId]);
  const settlement = await attempt(deps, job.data, rows[0]);
  await withTransaction(deps.db, (tx) => settleAttempt(tx, deps, job, settlement));
  if (settlement !== null)
    deps.logger.info(
      { tenantId, webhookId, deliveryId, ...settlement, attemptedAt: undefined },
      "webhook attempt",
    );
}

/** @returns null when there is nothing to be done any more: the webhook is gone, or the delivery has ended. */
async function attempt(
  deps: AttemptDeps,
  job: DeliveryJob,
  row: Row | undefined,
): Promise<Settlement | null> {
  if (row === undefined || row.status === "delivered" || row.status === "cancelled") return null;
  const attemptedAt = deps.clock();
  if (row.webhook_status === "disabled") return cancelled(row, attemptedAt, "the webhook is disabled");
  if (row.tenant_status === "suspended") return cancelled(row, attemptedAt, "the tenant is suspended");
  // The job of one that is dead comes from an operator who retries it: it has all its attempts again.
  const number = row.status === "dead" ? 1 : row.attempt + 1;
  const outcome = await send(deps, job, row, attemptedAt);
  const status = outcome.error === null ? "delivered" : number < ATTEMPTS_MAX ? "pending" : "dead";
  return { ...outcome, status, attempt: number, attemptedAt };
}

function cancelled({ attempt }: Row, attemptedAt: Date, error: string): Settlement {
  return { status: "cancelled", attempt, attemptedAt, httpStatus: null, durationMs: 0, error };
}

type Sent = Pick<Settlement, "httpStatus" | "durationMs" | "error">;

async function send(
  { post, secretBox }: AttemptDeps,
  { webhookId }: DeliveryJob,
  row: Row,
  now: Date,
): Promise<Sent> {
  const notSent = { httpStatus: null, durationMs: 0, error: "the webhook's secret cannot be opened here" };
  if (secretBox === null) return notSent;
  let secret: string;
  try {
    secret = openWebhookSecret(secretBox, webhookId, row.secret);
  } catch (error) {
    if (error instanceof UnopenableSecretError) return notSent;
    throw error;
  }
  const outcome: PostOutcome = await post({
    url: row.url,
    headers: {
      "Content-Type": "application/json",
      "User-Agent": "Holdfast-Webhooks",
      ...signDelivery({ eventId: row.event_id, body: row.body, secret, now }),
    },
    body: row.body,
  });
  return { httpStatus: outcome.status, durationMs: outcome.durationMs, error: outcome.error };
}
