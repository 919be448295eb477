import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Database } from "./db/client.ts";
import { createExportFiles } from "./exports/exportFiles.ts";
import { exportWorkers } from "./exports/exportJobs.ts";
import { createJobQueue } from "./jobs/jobQueue.ts";
import { runJobs } from "./jobs/runJobs.ts";

export type JobWorkersOptions = {
  db: Database;
  config: Config;
  clock: () => Date;
  logger: Logger;
  signal: AbortSignal;
};

/** All that a worker process does beside the pipeline, until the signal aborts: each folder's work on its queues. */
export async function runJobWorkers({ db, config, clock, logger, signal }: JobWorkersOptions): Promise<void> {
  const queue = createJobQueue(db, { supervise: true, logger });
  const files = createExportFiles(config.EXPORT_FOLDER);
  const tenantBytesMax = config.EXPORT_TENANT_BYTES_MAX;
  const workers = [...exportWorkers({ db, files, clock, logger, tenantBytesMax }, signal)];
  await runJobs({ queue, workers, retryMs: config.PIPELINE_POLL_MS, signal, logger });
}
