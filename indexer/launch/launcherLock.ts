import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";

const RETRY_MS = 250;
const LOCK_KEY = "hashtext('holdfast indexer')";
const CONNECTIONS_MAX = 5;
const APPLICATION_NAME = "holdfast_indexer_launcher";

/** An advisory lock that ends with its connection, kill -9 included; whoever holds it may work on the database. */
export type LauncherLock = {
  /** @throws {LockNotHeldError} while the database is away. */
  database(): pg.Pool;
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

/** The database is away, and with it the lock; it passes, or `lost` rejects. */
export class LockNotHeldError extends Error {
  override name = "LockNotHeldError";
  constructor() {
    super("the database does not answer");
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
  let holder: pg.Client | null = await connectWhenFree();
  watch(holder);
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: CONNECTIONS_MAX,
    application_name: APPLICATION_NAME,
    keepAlive: true,
  });
  pool.on("error", () => {}); // the pool replaces the connection

  async function connectWhenFree(): Promise<pg.Client> {
    for (let told = ""; ; ) {
      const attempt = await tryConnect(databaseUrl);
      if (attempt instanceof pg.Client) return attempt;
      if (attempt !== told) onWait(attempt);
      told = attempt;
      await delay(RETRY_MS, undefined, { signal });
    }
  }

  function watch(client: pg.Client): void {
    client.once("end", async () => {
      holder = null;
      if (released || signal.aborted) return;
      onWait("the database closed the connection");
      for (;;) {
        const attempt = await tryConnect(databaseUrl);
        if (attempt === "another indexer is at work") return lost.reject(new LauncherReplacedError());
        if (attempt instanceof pg.Client) {
          holder = attempt;
          return watch(attempt);
        }
        await delay(RETRY_MS);
        if (released || signal.aborted) return;
      }
    });
  }

  return {
    database() {
      if (holder === null) throw new LockNotHeldError();
      return pool;
    },
    lost: lost.promise,
    async release() {
      released = true;
      await pool.end();
      await holder?.end().catch(() => {});
    },
  };
}

/** A connection that holds the lock, or why there is none. */
async function tryConnect(databaseUrl: string): Promise<pg.Client | string> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: APPLICATION_NAME,
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
