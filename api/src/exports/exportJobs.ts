import type { JobWithMetadata } from "pg-boss";
import type { StartWorker } from "../jobs/runJobs.ts";
import type { ExportKey } from "./exportState.ts";
import { type RunExportDeps, runExport } from "./runExport.ts";
import { sweepExports } from "./sweepExports.ts";

/** Exports that one process writes at the same time. */
const AT_ONCE = 2;

/** Writes exports, of one tenant one at a time among all workers, and sweeps what is over. */
export function exportWorkers(deps: RunExportDeps, stopping: AbortSignal): StartWorker[] {
  return [
    (boss) =>
      boss.work(
        "exports",
        {
          includeMetadata: true,
          localConcurrency: AT_ONCE,
          groupConcurrency: 1,
          pollingIntervalSeconds: 0.5,
        },
        async ([job]: JobWithMetadata<ExportKey>[]) => {
          const { id, data, retryCount, retryLimit, signal } = job!;
          const isLastTry = retryCount >= retryLimit;
          await runExport(deps, { id, key: data, isLastTry, signal: AbortSignal.any([signal, stopping]) });
        },
      ),
    (boss) => boss.work("exports-sweep", async () => sweepExports({ ...deps, boss })),
  ];
}
