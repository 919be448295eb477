import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";

const RETRY_MS = 250;
const LOCK_KEY = "hashtext('holdfast indexer')";

/** The one connection through which the launcher works; it holds an advisory lock that ends with it, kill -9 included. */
export type LauncherLock = {
  /** The connection that holds the lock. A query on it fails while the database is away. */
  client(): pg.Client;
  /** Rejects when another launcher took over while the database was away: this one must stop. */
  lost: Promise<never>;
  release(): Promise<void>;
};

/** Another launcher runs on this database. */
export class LauncherReplacedError extends Error {
  readonly code = "launcher_replaced";
  constructor() {
    super("Another indexer took over this database");
    this.name = "LauncherReplacedError";
  }
}

/**
 * Waits until no other launcher works on this database, and until the database is there. Restarts of the database are
 * survived: the lock is taken again.
 * @param onWait told once what is waited for.
 */
export async function acquireLauncherLock(
  databaseUrl: string,
  { signal, onWait }: { signal: AbortSignal; onWait: (reason: string) => void },
): Promise<LauncherLock> {
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => {}); // heard only while the indexer runs
  let released = false;
  let current = await connectWhenFree();
  watch();

  async function connectWhenFree(): Promise<pg.Client> {
    for (let told = ""; ; ) {
      const attempt = await tryConnect(databaseUrl);
      if (attempt instanceof pg.Client) return attempt;
      if (attempt !== told) onWait(attempt);
      told = attempt;
      await delay(RETRY_MS, undefined, { signal });
    }
  }

  function watch(): void {
    current.once("end", async () => {
      if (released || signal.aborted) return;
      onWait("the database closed the connection");
      for (;;) {
        const attempt = await tryConnect(databaseUrl);
        if (attempt === "another indexer is at work") return lost.reject(new LauncherReplacedError());
        if (attempt instanceof pg.Client) {
          current = attempt;
          return watch();
        }
        await delay(RETRY_MS);
        if (released || signal.aborted) return;
      }
    });
  }

  return {
    client: () => current,
    lost: lost.promise,
    async release() {
      released = true;
      await current.end().catch(() => {});
    },
  };
}

/** A connection that holds the lock, or why there is none. */
async function tryConnect(databaseUrl: string): Promise<pg.Client | string> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: "holdfast_indexer_launcher",
    keepAlive: true,
  });
  client.on("error", () => {}); // "end" follows, and is what we act on
  try {
    await client.connect();
    const { rows } = await client.query<{ held: boolean }>(
      `SELECT pg_try_advisory_lock(${LOCK_KEY}) AS held`,
    );
    if (rows[0]?.held) return client;
    await client.end();
    return "another indexer is at work";
  } catch (error) {
    await client.end().catch(() => {});
    return `the database does not answer: ${(error as Error).message}`;
  }
}
