import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";

export type Step = {
  name: string;
  /** @returns whether it did something, so that there may be more to do at once. */
  run: () => Promise<boolean>;
};

/** How a run of a step ended: it did something, found nothing to do, or threw. */
export type OnStepRun = (step: string, outcome: "worked" | "idle" | "failed", tookSeconds: number) => void;

export type LoopOptions = {
  /** Pause after a step that found nothing to do; milliseconds. */
  pollMs: number;
  signal: AbortSignal;
  logger: Logger;
  onRun?: OnStepRun;
};

const BACKOFF_MAX_MS = 30_000;

/** Pause after so many failures in a row; milliseconds. */
export function backoffMs(pollMs: number, failures: number): number {
  return Math.min(pollMs * 2 ** Math.min(failures, 10), BACKOFF_MAX_MS);
}

/**
 * Runs a step again and again until the signal aborts. A step that throws is logged and tried again, later and later while
 * it goes on failing: nothing that a step leaves undone is lost, so there is no error to give up on.
 */
export async function runLoop(step: Step, { pollMs, signal, logger, onRun }: LoopOptions): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    let pauseMs = pollMs;
    const startedAt = performance.now();
    const tell = (outcome: Parameters<OnStepRun>[1]) =>
      onRun?.(step.name, outcome, (performance.now() - startedAt) / 1_000);
    try {
      const worked = await step.run();
      if (worked) pauseMs = 0;
      failures = 0;
      tell(worked ? "worked" : "idle");
    } catch (error) {
      tell("failed");
      failures++;
      pauseMs = backoffMs(pollMs, failures);
      logger.error({ err: error, step: step.name, failures, retryInMs: pauseMs }, "step failed");
    }
    if (pauseMs > 0) await delay(pauseMs, undefined, { signal }).catch(() => {});
  }
}
