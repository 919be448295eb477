import { randomInt } from "node:crypto";
import type { PoolClient } from "pg";
import type { Job } from "pg-boss";
import { inTransaction, type JobQueue } from "../jobs/jobQueue.ts";
import { DEAD_LETTERS } from "../jobs/queues.ts";
import { RETRY_AFTER_S } from "./attempts.ts";
import type { DeliveryJob } from "./storeDeliveries.ts";

/** What an attempt came to. `pending`: it failed, and there will be another. */
export type Settlement = {
  status: "delivered" | "pending" | "dead" | "cancelled";
  attempt: number;
  attemptedAt: Date;
  httpStatus: number | null;
  durationMs: number;
  error: string | null;
};

/** Rows that count attempts of one outcome. */
const SHARDS = 16;

/** The job expired meanwhile, and another worker has it: what it does counts. */
export class ClaimLostError extends Error {
  override name = "ClaimLostError";
}

const IS_FAILING =
  "UPDATE app.webhooks SET is_failing = $3 WHERE tenant_id = $1 AND id = $2 AND is_failing <> $3";
const SETTLE = `
  UPDATE app.webhook_deliveries
  SET status = $4, attempt = $5, attempted_at = $6, http_status = $7, duration_ms = $8, error = $9
  WHERE tenant_id = $1 AND webhook_id = $2 AND id = $3`;
const COUNT = `
  INSERT INTO app.webhook_attempts AS known (outcome, shard, attempts) VALUES ($1, $2, 1)
  ON CONFLICT (outcome, shard) DO UPDATE SET attempts = known.attempts + 1`;

/**
 * Stores what an attempt came to and ends its job, in one transaction.
 * @throws {ClaimLostError} when the job is not this worker's any more.
 */
export async function settleAttempt(
  tx: PoolClient,
  { jobs }: { jobs: JobQueue },
  job: Job<DeliveryJob>,
  settlement: Settlement | null,
): Promise<void> {
  const boss = await jobs.boss();
  const ended = await boss.complete(job.name, job, null, { db: inTransaction(tx) });
  if ((ended as { affected: number }).affected !== 1) throw new ClaimLostError();
  if (settlement === null) return;
  const { tenantId, webhookId, deliveryId } = job.data;
  const { status, attempt, attemptedAt, httpStatus, durationMs, error } = settlement;
  // The webhook before its delivery, in the order in which a deletion takes them.
  if (status !== "cancelled") await tx.query(IS_FAILING, [tenantId, webhookId, status !== "delivered"]);
  const found = await tx.query(SETTLE, [
    tenantId,
    webhookId,
    deliveryId,
    status,
    attempt,
    attemptedAt,
    httpStatus,
    durationMs,
    error,
  ]);
  // Deleted with its webhook while it was under way: there is nothing left to retry or to report.
  if (found.rowCount === 0) return;
  const group = { id: tenantId };
  if (status === "pending")
    await jobs.send(tx, "webhook-delivery", job.data, { group, startAfter: RETRY_AFTER_S[attempt - 1]! });
  if (status === "dead")
    await jobs.send(tx, DEAD_LETTERS, { queue: "webhook-delivery", ...job.data, error }, { group });
  await tx.query(COUNT, [status === "pending" ? "failed" : status, randomInt(SHARDS)]);
}
