import type { Job } from "pg-boss";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { attemptCallback, type CallbackJob } from "./consentGate/callbacks.ts";
import { gateWorkers } from "./consentGate/gateWorkers.ts";
import { createMediaStore } from "./consentGate/mediaStore.ts";
import { tellExpired } from "./consents/tellExpired.ts";
import type { Database } from "./db/client.ts";
import { createExportFiles } from "./exports/exportFiles.ts";
import { exportWorkers } from "./exports/exportJobs.ts";
import { createJobQueue } from "./jobs/jobQueue.ts";
import type { QueueName } from "./jobs/queues.ts";
import { runJobs } from "./jobs/runJobs.ts";
import { createGuardedPost } from "./outbound/guardedPost.ts";
import { resolveByDns } from "./outbound/resolveTarget.ts";
import { type OnStepRun, runLoop } from "./pipeline/runLoop.ts";
import { createSecretBox } from "./secrets/secretBox.ts";
import { attemptDelivery } from "./webhooks/attemptDelivery.ts";
import { deliverEvents } from "./webhooks/deliverEvents.ts";
import { fanOutEvents } from "./webhooks/fanOutEvents.ts";
import { forgetDeliveries } from "./webhooks/forgetDeliveries.ts";
import type { DeliveryJob } from "./webhooks/storeDeliveries.ts";

export type JobWorkersOptions = {
  db: Database;
  config: Config;
  clock: () => Date;
  logger: Logger;
  signal: AbortSignal;
  onRun: OnStepRun;
};

const FAN_OUT_POLL_MS = 250;
const EXPIRE_POLL_MS = 1_000;

/** All that a worker process does beside the pipeline, until the signal aborts: each folder's work on its queues. */
export async function runJobWorkers({
  db,
  config,
  clock,
  logger,
  signal,
  onRun,
}: JobWorkersOptions): Promise<void> {
  const queue = createJobQueue(db, { supervise: true, logger });
  const exports = {
    db,
    files: createExportFiles(config.EXPORT_FOLDER),
    tenantBytesMax: config.EXPORT_TENANT_BYTES_MAX,
    clock,
    logger,
  };
  const secrets = config.CHAIN_KEY_ENCRYPTION_SECRET;
  const webhooks = {
    db,
    jobs: queue,
    post: createGuardedPost({ resolveName: resolveByDns, allowLoopback: config.WEBHOOK_ALLOW_LOOPBACK }),
    secretBox: secrets ? createSecretBox(secrets) : null,
    clock,
    logger,
  };
  const calls = <Name extends QueueName>(name: Name) => ({ queue: name, jobs: queue, logger });
  const media = {
    db,
    store: createMediaStore(config),
    keptDays: config.MEDIA_KEPT_DAYS,
    clock,
    logger,
    signal,
  };
  const expire = { name: "tell of expired consents", run: () => tellExpired(db, clock()) };
  const fanOut = { name: "fan out webhook events", run: () => fanOutEvents(webhooks) };
  await runJobs({
    queue,
    workers: [
      (boss) => boss.work("webhook-retention", () => forgetDeliveries(db, clock())),
      ...exportWorkers(exports, signal),
      ...gateWorkers(media),
    ],
    loops: [
      () => runLoop(expire, { pollMs: EXPIRE_POLL_MS, signal, logger, onRun }),
      () => runLoop(fanOut, { pollMs: FAN_OUT_POLL_MS, signal, logger, onRun }),
      () =>
        deliverEvents(
          {
            ...calls("webhook-delivery"),
            attempt: (job: Job<DeliveryJob>) => attemptDelivery(webhooks, job),
          },
          signal,
        ),
      () =>
        deliverEvents(
          { ...calls("gate-callback"), attempt: (job: Job<CallbackJob>) => attemptCallback(webhooks, job) },
          signal,
        ),
    ],
    retryMs: config.PIPELINE_POLL_MS,
    signal,
    logger,
  });
}
