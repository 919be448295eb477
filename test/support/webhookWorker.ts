import type { Job } from "pg-boss";
import { pino } from "pino";
import { attemptCallback, type CallbackJob } from "#api/consentGate/callbacks.ts";
import { connectDatabase, type Database } from "#api/db/client.ts";
import { createJobQueue, type JobQueue } from "#api/jobs/jobQueue.ts";
import { runJobs } from "#api/jobs/runJobs.ts";
import { createGuardedPost, type GuardedPost } from "#api/outbound/guardedPost.ts";
import { resolveByDns } from "#api/outbound/resolveTarget.ts";
import { runLoop } from "#api/pipeline/runLoop.ts";
import { createSecretBox } from "#api/secrets/secretBox.ts";
import { attemptDelivery } from "#api/webhooks/attemptDelivery.ts";
import { deliverEvents } from "#api/webhooks/deliverEvents.ts";
import { fanOutEvents } from "#api/webhooks/fanOutEvents.ts";
import type { DeliveryJob } from "#api/webhooks/storeDeliveries.ts";
import { TEST_SECRET } from "./api.ts";

export type WebhookWorker = {
  db: Database;
  jobs: JobQueue;
  /** Everything that was logged, one JSON object a line. */
  log: readonly string[];
  stop(): Promise<void>;
};

/** What a worker process does for webhooks, in this process: receivers on loopback, and no chain. */
export async function startWebhookWorker(
  databaseUrl: string,
  options: {
    post?: GuardedPost;
    clock?: () => Date;
    /** False: nothing is prepared for delivery, or nothing delivered, but by the test itself. */
    fansOut?: boolean;
    delivers?: boolean;
    timeoutMs?: number;
  } = {},
): Promise<WebhookWorker> {
  const { clock = () => new Date(), fansOut = true, delivers = true, timeoutMs = 10_000 } = options;
  const db = connectDatabase({
    url: databaseUrl,
    connectionsMax: 5,
    statementTimeoutMs: 10_000,
    onError: () => {},
  });
  const log: string[] = [];
  const logger = pino({ level: "info" }, { write: (line: string) => log.push(line) });
  const jobs = createJobQueue(db, { supervise: true, logger });
  const post =
    options.post ?? createGuardedPost({ resolveName: resolveByDns, allowLoopback: true, timeoutMs });
  const deps = { db, jobs, post, secretBox: createSecretBox([TEST_SECRET]), clock, logger };
  const fanOut = { name: "fan out", run: () => fanOutEvents(deps) };
  const stop = new AbortController();
  const { signal } = stop;
  const running = runJobs({
    queue: jobs,
    workers: [],
    loops: [
      ...(fansOut ? [() => runLoop(fanOut, { pollMs: 20, signal, logger })] : []),
      ...(delivers
        ? [
            () =>
              deliverEvents(
                {
                  queue: "webhook-delivery",
                  jobs,
                  logger,
                  attempt: (job: Job<DeliveryJob>) => attemptDelivery(deps, job),
                },
                signal,
              ),
            () =>
              deliverEvents(
                {
                  queue: "gate-callback",
                  jobs,
                  logger,
                  attempt: (job: Job<CallbackJob>) => attemptCallback(deps, job),
                },
                signal,
              ),
          ]
        : []),
    ],
    retryMs: 50,
    signal,
    logger,
  });
  return {
    db,
    jobs,
    log,
    async stop() {
      stop.abort();
      await running;
      await db.pool.end();
    },
  };
}
