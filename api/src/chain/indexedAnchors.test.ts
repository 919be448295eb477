import { afterAll, beforeAll, expect, test } from "vitest";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import { connectDatabase, type Database } from "../db/client.ts";
import { migrateDatabase } from "../db/migrate.ts";
import { readIndexedUpTo } from "./indexedAnchors.ts";

let postgres: EmbeddedPostgres;
let db: Database;
beforeAll(async () => {
  postgres = await startTestPostgres({ durable: false });
  const url = await createDatabase(postgres);
  await migrateDatabase(url);
  db = connectDatabase({ url, connectionsMax: 1, statementTimeoutMs: 30_000, onError: () => {} });
});
afterAll(async () => {
  await db.pool.end();
  await postgres.stop();
});

test("before the first index nothing is indexed", async () => {
  expect(await readIndexedUpTo(db)).toEqual(new Map());
});

test("an index that is being built or resumed says nothing; a ready one says its block, chain by chain", async () => {
  // Tables of Ponder's shape (ponder/src/database) in place of the views.
  await db.pool.query(`
    DROP VIEW chain._ponder_meta, chain._ponder_checkpoint;
    CREATE TABLE chain._ponder_meta (key text PRIMARY KEY, value jsonb NOT NULL);
    CREATE TABLE chain._ponder_checkpoint (chain_name text PRIMARY KEY, chain_id bigint NOT NULL,
      safe_checkpoint varchar(75) NOT NULL, latest_checkpoint varchar(75) NOT NULL, finalized_checkpoint varchar(75) NOT NULL);
    INSERT INTO chain._ponder_meta VALUES ('app', '{"is_ready": 0}')`);
  for (const [chainId, block] of [
    [31337, 812],
    [137, 0],
  ] as const) {
    const checkpoint = `1700000000${String(chainId).padStart(16, "0")}${String(block).padStart(16, "0")}${"9".repeat(33)}`;
    await db.pool.query(
      "INSERT INTO chain._ponder_checkpoint VALUES ($1::bigint::text, $1::bigint, $2, $2, $2)",
      [chainId, checkpoint],
    );
  }
  expect(await readIndexedUpTo(db)).toEqual(new Map());
  await db.pool.query(`UPDATE chain._ponder_meta SET value = '{"is_ready": 1}'`);
  expect(await readIndexedUpTo(db)).toEqual(
    new Map([
      [31337, 812],
      [137, 0],
    ]),
  );
});
