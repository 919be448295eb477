import { setTimeout as delay } from "node:timers/promises";
import type { Job } from "pg-boss";
import type { Logger } from "pino";
import type { JobQueue } from "../jobs/jobQueue.ts";
import type { QueueName } from "../jobs/queues.ts";
import { ClaimLostError } from "./settleAttempt.ts";

/** Calls to receivers that wait in one queue. */
export type Deliveries<Data extends object> = {
  queue: QueueName;
  jobs: JobQueue;
  /** One attempt, its outcome stored. @throws {ClaimLostError} */
  attempt: (job: Job<Data>) => Promise<void>;
  logger: Logger;
};

/** Attempts under way in one process: most of them wait for a receiver. */
const ATTEMPTS_AT_ONCE = 500;
/** Of them, and of those of all other processes, one tenant's. */
const ATTEMPTS_PER_TENANT = 10;
const POLL_MS = 250;
/** Pause after a look that failed: the database is away. Milliseconds. */
const RETRY_MS = 2_000;
/** How long a stopping process waits for attempts under way; what has not ended by then is attempted again. Milliseconds. */
const DRAIN_MS = 5_000;

/**
 * Makes the attempts that are due, many at a time, each on its own: a receiver that hangs holds its own place only, and a tenant
 * has few of the places.
 */
export async function deliverEvents<Data extends object>(
  deps: Deliveries<Data>,
  signal: AbortSignal,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let wake = () => {};
  const start = (job: Job<Data>) => {
    const attempt = tryAttempt(deps, job).finally(() => {
      underWay.delete(attempt);
      // It has made room, so the next look need not wait.
      wake();
    });
    underWay.add(attempt);
  };
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  signal.addEventListener("abort", () => wake(), { once: true });
  while (!signal.aborted) {
    const free = ATTEMPTS_AT_ONCE - underWay.size;
    const due = free > 0 ? await fetchDue(deps, free) : [];
    for (const job of due ?? []) start(job);
    if (!due?.length && !signal.aborted) await pause(due === null ? RETRY_MS : POLL_MS);
  }
  await Promise.race([Promise.all(underWay), delay(DRAIN_MS, undefined, { ref: false })]);
}

/** @returns null when the queue could not be read. */
async function fetchDue<Data extends object>(
  { queue, jobs, logger }: Deliveries<Data>,
  batchSize: number,
): Promise<Job<Data>[] | null> {
  try {
    const boss = await jobs.boss();
    const options = { batchSize, groupConcurrency: ATTEMPTS_PER_TENANT };
    return await boss.fetch<Data>(queue, options);
  } catch (err) {
    logger.warn({ err, queue, retryInMs: RETRY_MS }, "deliveries not readable");
    return null;
  }
}

/** An attempt whose outcome could not be stored is left alone: its job expires, and is given to whoever asks next. */
async function tryAttempt<Data extends object>(
  { queue, attempt, logger }: Deliveries<Data>,
  job: Job<Data>,
): Promise<void> {
  try {
    await attempt(job);
  } catch (err) {
    if (err instanceof ClaimLostError)
      logger.info({ queue, job: job.data as object }, "attempt was repeated");
    else logger.warn({ err, queue, job: job.data as object }, "attempt not settled; it is made again");
  }
}
