import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { backoffMs } from "./runLoop.ts";

/**
 * Tries until it succeeds, later and later: the database or the chain may come up after us.
 * @returns null once stopped.
 * @throws what `isFinal` says will not pass.
 */
export async function untilDone<T>(
  work: () => Promise<T>,
  options: { pollMs: number; signal: AbortSignal; logger: Logger; isFinal?: (error: unknown) => boolean },
): Promise<T | null> {
  const { pollMs, signal, logger, isFinal = () => false } = options;
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return await work();
    } catch (error) {
      if (isFinal(error)) throw error;
      const retryInMs = backoffMs(pollMs, failures);
      logger.warn({ err: error, failures: failures + 1, retryInMs }, "not ready to start");
      await delay(retryInMs, undefined, { signal }).catch(() => {});
    }
  }
  return null;
}
