import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";

const RETRY_MS = 1_000;

/** Repeats what needs a chain and the database until both answer. Undefined once stopped: what is under way is then left to itself. */
export async function untilAnswered<T>(
  { log, signal }: { log: Logger; signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T | undefined> {
  for (let told = ""; !signal.aborted; ) {
    try {
      return await Promise.race([work(), aborted(signal).then(() => undefined)]);
    } catch (error) {
      const reason = (error as Error).message.split("\n", 1)[0] ?? "";
      if (reason !== told) log.warn({ msg: "Indexer waits", reason });
      told = reason;
      await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }
  return undefined;
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
