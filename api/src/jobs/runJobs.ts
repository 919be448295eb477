import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { PgBoss } from "pg-boss";
import type { Logger } from "pino";
import type { JobQueue } from "./jobQueue.ts";

/** Begins work on a queue, by `boss.work`. What is under way when the process stops is given to another worker. */
export type StartWorker = (boss: PgBoss) => Promise<unknown>;

/** Work with a loop of its own; it returns when the signal has aborted and what was under way has ended. */
export type Loop = (signal: AbortSignal) => Promise<void>;

export type RunJobsOptions = {
  queue: JobQueue;
  workers: readonly StartWorker[];
  loops: readonly Loop[];
  /** Pause before the queue is tried again while the database is away; milliseconds. */
  retryMs: number;
  signal: AbortSignal;
  logger: Logger;
};

/** Works on the queues until the signal aborts. */
export async function runJobs(options: RunJobsOptions): Promise<void> {
  const { queue, workers, loops, signal } = options;
  const boss = await startWhenReady(options);
  if (boss === null) return;
  for (const start of workers) await start(boss);
  await Promise.all(loops.map((run) => run(signal)));
  if (!signal.aborted) await once(signal, "abort");
  await queue.stop();
}

async function startWhenReady({ queue, retryMs, signal, logger }: RunJobsOptions): Promise<PgBoss | null> {
  while (!signal.aborted) {
    try {
      return await queue.boss();
    } catch (error) {
      logger.warn({ err: error, retryInMs: retryMs }, "job queue not ready");
      await delay(retryMs, undefined, { signal }).catch(() => {});
    }
  }
  return null;
}
