import { setTimeout as delay } from "node:timers/promises";

/**
 * Polls until `condition` answers something truthy, and returns that.
 * @param options.deadlineMs default 30,000. @param options.intervalMs default 20.
 * @throws {Error} with the last answer once the deadline has passed.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = 30_000, intervalMs = 20 } = {},
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (performance.now() > deadline) {
      throw new Error(`not within ${deadlineMs} ms: ${condition}, last answer ${String(answer)}`);
    }
    await delay(intervalMs);
  }
}
