import type pg from "pg";

/** Columns of `app.submissions` that an accepted hash fills. */
export const submissionColumns = [
  "content_hash",
  "tenant_id",
  "id",
  "chain_id",
  "external_id",
  "metadata",
  "created_at",
] as const;

/** Makes `bench.<table>` anew, empty, with the columns, checks and indexes of `app.submissions`. */
export async function recreateEqualTable(database: pg.Pool | pg.ClientBase, table: string): Promise<void> {
  await database.query("CREATE SCHEMA IF NOT EXISTS bench");
  await database.query(`DROP TABLE IF EXISTS bench.${table}`);
  await database.query(`CREATE TABLE bench.${table} (LIKE app.submissions INCLUDING ALL)`);
}
