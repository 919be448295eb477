import type pg from "pg";
import { inTransaction } from "./inTransaction.ts";

/**
 * Drops what Ponder cached of a chain: after a reorganisation deeper than its finality the cache holds dead blocks. Other chains
 * are indexed meanwhile, so their part of the cache stays. All at once: a half dropped cache would pass for a whole one.
 */
export async function dropSyncCache(database: pg.Pool, chainId: number): Promise<void> {
  await inTransaction(database, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.columns
       WHERE table_schema = 'ponder_sync' AND column_name = 'chain_id' ORDER BY 1`,
    );
    for (const { name } of rows) await client.query(`DELETE FROM ${name} WHERE chain_id = $1`, [chainId]);
  });
}
