import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";

export type Step = {
  name: string;
  /** @returns whether it did something, so that there may be more to do at once. */
  run: () => Promise<boolean>;
};

export type LoopOptions = {
  /** Pause after a step that found nothing to do; milliseconds. */
  pollMs: number;
  signal: AbortSignal;
  logger: Logger;
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
export async function runLoop(step: Step, { pollMs, signal, logger }: LoopOptions): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    let pauseMs = pollMs;
    try {
      if (await step.run()) pauseMs = 0;
      failures = 0;
    } catch (error) {
      failures++;
      pauseMs = backoffMs(pollMs, failures);
      logger.error({ err: error, step: step.name, failures, retryInMs: pauseMs }, "step failed");
    }
    if (pauseMs > 0) await delay(pauseMs, undefined, { signal }).catch(() => {});
  }
}
