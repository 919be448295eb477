import type { PoolClient } from "pg";
import type { Database } from "./client.ts";
import { drizzle } from "./drizzle.ts";

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
export async function withTransaction<T>(
  { pool }: Database,
  work: (tx: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // Between two statements nobody else hears that the connection broke, and an error without a listener ends the process.
  const breakOff = (error: Error) => {
    broken = error;
  };
  client.on("error", breakOff);
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch(breakOff);
    throw error;
  } finally {
    client.off("error", breakOff);
    client.release(broken);
  }
}

/** drizzle over the connection of a transaction. */
export function ormOf(tx: PoolClient) {
  return drizzle({ client: tx });
}

/** The jobs of which one process at a time may do each, per chain. */
export type ChainJob = "seal" | "broadcast" | "confirm";

/**
 * Runs `work` when no other process does the same job for the same chain, else answers null at once. The lock belongs to a
 * connection: when this process dies, PostgreSQL lets go of it. Should the connection alone break, another process may begin
 * while this one still works; every write below is guarded so that both come out right.
 */
export async function withChainLock<T>(
  { pool }: Database,
  job: ChainJob,
  chainId: number,
  work: () => Promise<T>,
): Promise<T | null> {
  const key = [`holdfast.${job}.${chainId}`];
  const client = await pool.connect();
  let broken: Error | undefined;
  const breakOff = (error: Error) => {
    broken = error;
  };
  client.on("error", breakOff);
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked",
      key,
    );
    if (!rows[0]!.locked) return null;
    try {
      return await work();
    } finally {
      await client.query("SELECT pg_advisory_unlock(hashtextextended($1, 0))", key).catch(breakOff);
    }
  } finally {
    client.off("error", breakOff);
    client.release(broken);
  }
}
