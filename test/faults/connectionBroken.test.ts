import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { registerChain } from "#api/chain/registerChain.ts";
import { chains } from "#api/db/chains.ts";
import { connectDatabase, type Database } from "#api/db/client.ts";
import { migrateDatabase } from "#api/db/migrate.ts";
import { withTransaction } from "#api/db/transaction.ts";
import { checkInvariants } from "#api/pipeline/checkInvariants.ts";
import { sealBatch } from "#api/pipeline/sealBatch.ts";
import { loadKeccak } from "#protocol/merkleTree.ts";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import { until } from "#test/support/until.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const LIMITS = { sealIntervalMs: 0, batchLeavesMax: 100 };

let postgres: EmbeddedPostgres;
let databases: Database[];

beforeAll(async () => {
  postgres = await startTestPostgres({ durable: false });
  await loadKeccak();
});

afterAll(() => postgres?.stop());

/** Three pools on a new database, as of two workers and an operator. */
beforeEach(async () => {
  const url = await createDatabase(postgres);
  await migrateDatabase(url);
  const connect = () =>
    connectDatabase({ url, connectionsMax: 5, statementTimeoutMs: 30_000, onError: () => {} });
  databases = [connect(), connect(), connect()];
  return async () => {
    await Promise.all(databases.map(({ pool }) => pool.end()));
  };
});

async function backendPid(client: pg.PoolClient): Promise<number> {
  return (await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]!.pid;
}

test("a connection that breaks between two statements fails its transaction and nothing else", async () => {
  const [one, , operator] = databases as [Database, Database, Database];
  const failure = await withTransaction(one, async (tx) => {
    const pid = await backendPid(tx);
    const closed = new Promise((resolve) => tx.once("end", resolve));
    await operator.pool.query("SELECT pg_terminate_backend($1)", [pid]);
    await closed;
    await tx.query("SELECT 1");
  }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  expect(await withTransaction(one, async (tx) => (await tx.query("SELECT 1 AS one")).rows)).toEqual([
    { one: 1 },
  ]);
});

test("two workers that seal at once, because the lock's connection broke, seal each submission once", async () => {
  const [one, two, operator] = databases as [Database, Database, Database];
  const chain = await acceptedHashes(operator, 5);

  // The first worker is held in the middle of sealing, by a lock on one of its rows, and loses its lock meanwhile.
  const holder = await operator.pool.connect();
  await holder.query("BEGIN");
  await holder.query("SELECT 1 FROM app.submissions ORDER BY id LIMIT 1 FOR UPDATE");
  const first = sealBatch(one, chain, LIMITS, NOW);
  await waitingForRow(operator, 1);
  await operator.pool.query(
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted",
  );
  const second = sealBatch(two, chain, LIMITS, NOW);
  await waitingForRow(operator, 2);
  await holder.query("COMMIT");
  holder.release();

  const outcomes = await Promise.allSettled([first, second]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const { rows } = await operator.pool.query("SELECT leaf_count FROM app.batches");
  expect(rows).toEqual([{ leaf_count: 5 }]);
  expect(await checkInvariants(operator, { verifySignatures: "all" })).toEqual([]);
});

async function waitingForRow({ pool }: Database, count: number): Promise<void> {
  const waiting =
    "SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
  await until(async () => (await pool.query<{ count: number }>(waiting)).rows[0]!.count === count);
}

async function acceptedHashes(db: Database, count: number) {
  await registerChain(db, {
    chainId: 31337,
    name: "test",
    rpcUrl: "http://127.0.0.1:9",
    contractAddress: `0x${"c0".repeat(20)}`,
    publisher: `0x${"b0".repeat(20)}`,
    confirmations: 1,
  });
  const tenantId = randomUUID();
  await db.pool.query(
    `INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, created_at)
     SELECT sha256(n::text::bytea), $1, gen_random_uuid(), 31337, $2 FROM generate_series(1, $3) AS n`,
    [tenantId, NOW, count],
  );
  await db.pool.query(
    "INSERT INTO app.monthly_hashes (tenant_id, month, hashes) VALUES ($1, date_trunc('month', $2::timestamptz AT TIME ZONE 'UTC'), $3)",
    [tenantId, NOW, count],
  );
  return (await db.orm.select().from(chains))[0]!;
}
