import type { Logger } from "pino";
import type { Database } from "../db/client.ts";

const FLUSH_INTERVAL_MS = 2_000;

const RECORD = `
  UPDATE app.api_keys k SET last_used_at = greatest(k.last_used_at, used.at)
  FROM (SELECT id, at FROM unnest($1::uuid[], $2::timestamptz[]) AS t(id, at) ORDER BY id) used
  WHERE k.id = used.id`;

export type KeyUse = { record: (apiKeyId: string) => void; stop: () => Promise<void> };

/** Keeps `lastUsedAt` (HA-16) without a write in the request: uses are gathered and written every two seconds. */
export function startRecordingKeyUse({ pool }: Database, clock: () => Date, logger: Logger): KeyUse {
  const used = new Map<string, Date>();

  async function flush(): Promise<void> {
    if (used.size === 0) return;
    const entries = [...used];
    used.clear();
    try {
      await pool.query(RECORD, [entries.map(([id]) => id), entries.map(([, at]) => at)]);
    } catch (error) {
      // Written with the next uses; a key that was used again meanwhile has a newer time already.
      for (const [id, at] of entries) if (!used.has(id)) used.set(id, at);
      throw error;
    }
  }

  const flushOrLog = () =>
    flush().catch((error: unknown) => logger.warn({ err: error }, "last use of keys not written"));
  const timer = setInterval(flushOrLog, FLUSH_INTERVAL_MS).unref();
  return {
    record: (apiKeyId) => used.set(apiKeyId, clock()),
    stop: () => {
      clearInterval(timer);
      return flushOrLog();
    },
  };
}
