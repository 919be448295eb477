import { createHmac } from "node:crypto";
import type { PoolClient } from "pg";
import type { Job } from "pg-boss";
import type { Logger } from "pino";
import { readKeySecrets } from "../accounts/keySecretDirectory.ts";
import type { Database } from "../db/client.ts";
import { withTransaction } from "../db/transaction.ts";
import { inTransaction, type JobQueue } from "../jobs/jobQueue.ts";
import { DEAD_LETTERS } from "../jobs/queues.ts";
import type { GuardedPost } from "../outbound/guardedPost.ts";
import { type SecretBox, UnopenableSecretError } from "../secrets/secretBox.ts";
import { ATTEMPTS_MAX, RETRY_AFTER_S } from "../webhooks/attempts.ts";
import { ClaimLostError } from "../webhooks/settleAttempt.ts";
import { describeMedium, describeRow } from "./describeVerification.ts";
import { verificationName } from "./verificationId.ts";
import { getVerification, listAcceptances, listMedia, type VerificationRow } from "./verifications.ts";

/** What a callback's job holds: ids alone. */
export type CallbackJob = { tenantId: string; verificationId: string; callbackId: string };

const INSERT = `
  INSERT INTO app.gate_callbacks (tenant_id, verification_id, id, status, created_at) VALUES ($1, $2, $3, 'pending', $4)`;

/** Stores a callback with the job of its first attempt (PA-9). @param id the event's, the same in every attempt. */
export async function queueCallback(
  tx: PoolClient,
  jobs: JobQueue,
  { tenantId, id: verificationId }: VerificationRow,
  id: string,
  now: Date,
): Promise<void> {
  await tx.query(INSERT, [tenantId, verificationId, id, now]);
  const job: CallbackJob = { tenantId, verificationId, callbackId: id };
  await jobs.send(tx, "gate-callback", job, { group: { id: tenantId } });
}

export type CallbackDeps = {
  db: Database;
  jobs: JobQueue;
  post: GuardedPost;
  /** Null when no secret is configured. */
  secretBox: SecretBox | null;
  clock: () => Date;
  logger: Logger;
};

type CallbackRow = { status: Outcome["status"]; attempt: number; created_at: Date; tenant_status: string };
type Outcome = {
  status: "pending" | "delivered" | "dead" | "cancelled";
  attempt: number;
  httpStatus: number | null;
  durationMs: number;
  error: string | null;
};

const FIND = `
  SELECT c.status, c.attempt, c.created_at, t.status AS tenant_status
  FROM app.gate_callbacks c JOIN app.tenants t ON t.id = c.tenant_id
  WHERE c.tenant_id = $1 AND c.verification_id = $2 AND c.id = $3`;

/** One attempt of a callback; its outcome, the next attempt's job or the dead letter, and the end of this job are one transaction after it. */
export async function attemptCallback(deps: CallbackDeps, job: Job<CallbackJob>): Promise<void> {
  const { tenantId, verificationId, callbackId } = job.data;
  const { rows } = await deps.db.pool.query<CallbackRow>(FIND, [tenantId, verificationId, callbackId]);
  const attemptedAt = deps.clock();
  const outcome = rows[0] === undefined ? null : await attempt(deps, job.data, rows[0], attemptedAt);
  await withTransaction(deps.db, (tx) => settle(tx, deps.jobs, job, outcome, attemptedAt));
  if (outcome !== null) deps.logger.info({ ...job.data, ...outcome }, "gate callback attempt");
}

/** Null when the callback has ended. */
async function attempt(
  deps: CallbackDeps,
  job: CallbackJob,
  row: CallbackRow,
  now: Date,
): Promise<Outcome | null> {
  if (row.status === "delivered" || row.status === "cancelled") return null;
  const verification = await getVerification(
    deps.db.pool,
    job.tenantId,
    verificationName(job.verificationId),
  );
  const cancelled = (error: string): Outcome => ({
    status: "cancelled",
    attempt: row.attempt,
    httpStatus: null,
    durationMs: 0,
    error,
  });
  if (verification.state !== "submitted") return cancelled("the person was erased");
  if (row.tenant_status === "suspended") return cancelled("the tenant is suspended");
  // The job of one that is dead comes from an operator who retries it: it has all its attempts again.
  const number = row.status === "dead" ? 1 : row.attempt + 1;
  const sent = await send(deps, job, verification, row.created_at, now);
  const status = sent.error === null ? "delivered" : number < ATTEMPTS_MAX ? "pending" : "dead";
  return { ...sent, status, attempt: number };
}

async function send(
  deps: CallbackDeps,
  { callbackId }: CallbackJob,
  verification: VerificationRow,
  createdAt: Date,
  now: Date,
): Promise<Pick<Outcome, "httpStatus" | "durationMs" | "error">> {
  const secret = await oldestSecret(deps, verification);
  if (secret === null)
    return { httpStatus: null, durationMs: 0, error: "the key has no secret that can be opened here" };
  const data = await callbackData(deps.db, verification);
  const body = JSON.stringify({
    id: callbackId,
    type: "verification.submitted",
    createdAt: createdAt.toISOString(),
    data,
  });
  const { status, durationMs, error } = await deps.post({
    url: verification.callbackUrl!,
    headers: {
      "Content-Type": "application/json",
      "User-Agent": "Holdfast-Webhooks",
      "X-Auth-Client": verification.apiKeyId,
      ...signCallback(secret, body, now),
    },
    body,
  });
  return { httpStatus: status, durationMs, error };
}

/** PA-9: over `timestamp + "." + raw body`, the time in seconds since 1970. */
export function signCallback(secret: string, body: string, now: Date): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  return { "X-Timestamp": timestamp, "X-HMAC-Signature": signature };
}

/** Null also after the key was revoked: its secrets went with it. */
async function oldestSecret(
  { db, secretBox }: CallbackDeps,
  key: { tenantId: string; apiKeyId: string },
): Promise<string | null> {
  if (secretBox === null) return null;
  try {
    const [oldest] = await readKeySecrets(db, secretBox, key);
    return oldest?.secret ?? null;
  } catch (error) {
    if (error instanceof UnopenableSecretError) return null;
    throw error;
  }
}

async function callbackData({ pool }: Database, verification: VerificationRow) {
  const { callback_url: _known, ...row } = describeRow(verification);
  const accepted = (await listAcceptances(pool, verification)).at(-1);
  return {
    ...row,
    consent: accepted && {
      version_id: accepted.versionNumber,
      version: accepted.version,
      accepted_at: accepted.acceptedAt,
    },
    media: (await listMedia(pool, verification)).map(describeMedium),
  };
}

const SETTLE = `
  UPDATE app.gate_callbacks
  SET status = $4, attempt = $5, attempted_at = $6, http_status = $7, duration_ms = $8, error = $9
  WHERE tenant_id = $1 AND verification_id = $2 AND id = $3`;

/** @throws {ClaimLostError} when the job is not this worker's any more. */
async function settle(
  tx: PoolClient,
  jobs: JobQueue,
  job: Job<CallbackJob>,
  outcome: Outcome | null,
  attemptedAt: Date,
): Promise<void> {
  const boss = await jobs.boss();
  const ended = await boss.complete(job.name, job, null, { db: inTransaction(tx) });
  if ((ended as { affected: number }).affected !== 1) throw new ClaimLostError();
  if (outcome === null) return;
  const { tenantId, verificationId, callbackId } = job.data;
  const { status, attempt, httpStatus, durationMs, error } = outcome;
  const key = [tenantId, verificationId, callbackId];
  await tx.query(SETTLE, [...key, status, attempt, attemptedAt, httpStatus, durationMs, error]);
  const group = { id: tenantId };
  if (status === "pending")
    await jobs.send(tx, "gate-callback", job.data, { group, startAfter: RETRY_AFTER_S[attempt - 1]! });
  if (status === "dead")
    await jobs.send(tx, DEAD_LETTERS, { queue: "gate-callback", ...job.data, error }, { group });
}
