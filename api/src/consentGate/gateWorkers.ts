import type { StartWorker } from "../jobs/runJobs.ts";
import { type SweepMediaDeps, sweepMedia } from "./sweepMedia.ts";

/** Sweeps what the gate keeps no longer. */
export function gateWorkers(deps: SweepMediaDeps): StartWorker[] {
  return [(boss) => boss.work("media-sweep", () => sweepMedia(deps))];
}
