import { setTimeout as delay } from "node:timers/promises";

/** What comes of the work within the time, or null: one that is late or fails must not hold up the others. Milliseconds. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const stop = new AbortController();
  const late = delay(ms, null, { signal: stop.signal }).catch(() => null);
  try {
    return await Promise.race([work.catch(() => null), late]);
  } finally {
    stop.abort();
  }
}
