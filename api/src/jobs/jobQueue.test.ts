import pg from "pg";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectDatabase, type Database } from "#api/db/client.ts";
import { grantAccess } from "#api/db/grantAccess.ts";
import { migrateDatabase } from "#api/db/migrate.ts";
import { withTransaction } from "#api/db/transaction.ts";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import { until } from "#test/support/until.ts";
import { createJobQueue, type JobQueue } from "./jobQueue.ts";
import { DEAD_LETTERS, QUEUES } from "./queues.ts";
import { readDeadLetters } from "./readDeadLetters.ts";
import { runJobs } from "./runJobs.ts";

const logger = pino({ level: "silent" });

let postgres: EmbeddedPostgres;
let ownerUrl: string;
let db: Database;
let queue: JobQueue;

beforeAll(async () => {
  postgres = await startTestPostgres();
  ownerUrl = await createDatabase(postgres);
  await migrateDatabase(ownerUrl);
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  await owner.query("CREATE ROLE api LOGIN PASSWORD 'api'");
  await owner.end();
  await grantAccess(ownerUrl, "api");
  db = connectAs("api");
  queue = createJobQueue(db, { supervise: false, logger });
});
afterAll(async () => {
  await queue.stop();
  await db.pool.end();
  await postgres.stop();
});

function connectAs(role: string): Database {
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = role;
  return connectDatabase({
    url: url.href,
    connectionsMax: 5,
    statementTimeoutMs: 10_000,
    onError: () => {},
  });
}

const countJobs = async () => {
  const { rows } = await db.pool.query("SELECT count(*) AS jobs FROM jobs.job WHERE name = $1", [
    DEAD_LETTERS,
  ]);
  return rows[0].jobs as number;
};

test("a job is stored with the transaction that sends it, and gone with it", async () => {
  const before = await countJobs();
  await withTransaction(db, (tx) => queue.send(tx, DEAD_LETTERS, { of: "pg" }));
  await db.orm.transaction((tx) => queue.send(tx, DEAD_LETTERS, { of: "drizzle" }));
  expect(await countJobs()).toBe(before + 2);
  const refused = withTransaction(db, async (tx) => {
    await queue.send(tx, DEAD_LETTERS, { of: "nobody" });
    throw new Error("refused");
  });
  await expect(refused).rejects.toThrow("refused");
  expect(await countJobs()).toBe(before + 2);
});

test("the role of API and workers sends, works and supervises, and cannot change the schema", async () => {
  await expect(db.pool.query("CREATE TABLE jobs.mine ()")).rejects.toMatchObject({ code: "42501" });
  const problems: unknown[] = [];
  const loud = pino({ level: "warn" }, { write: (line: string) => problems.push(line) });
  const working = createJobQueue(db, { supervise: true, logger: loud });
  const stop = new AbortController();
  const seen: unknown[] = [];
  const run = runJobs({
    queue: working,
    workers: [
      (boss) =>
        boss.work(DEAD_LETTERS, { pollingIntervalSeconds: 0.5 }, async (jobs) => {
          seen.push(...jobs.map(({ data }) => data));
        }),
    ],
    loops: [],
    retryMs: 50,
    signal: stop.signal,
    logger: loud,
  });
  const boss = await working.boss();
  await withTransaction(db, (tx) => queue.send(tx, DEAD_LETTERS, { of: "worker" }));
  await until(() => seen.some((data) => (data as { of: string }).of === "worker"));
  await boss.supervise();
  stop.abort();
  await run;
  expect(problems).toEqual([]);
});

test("HA-18 a job that pg-boss gave up is a dead letter that names its queue", async () => {
  const boss = await queue.boss();
  const held = { tenantId: "1", deliveryId: "2" };
  await withTransaction(db, (tx) => queue.send(tx, "webhook-delivery", held, { retryLimit: 0 }));
  const [job] = await boss.fetch("webhook-delivery");
  await boss.fail("webhook-delivery", job!, { message: "postgres://user:password@host" });
  const [dead] = await readDeadLetters(db, { limit: 1, offset: 0 });
  expect(dead).toEqual({
    id: expect.any(String),
    data: { queue: "webhook-delivery", ...held },
    timestamp: expect.any(Number),
  });
});

test("a job whose worker died is given to another", async () => {
  const survivor = createJobQueue(db, { supervise: true, logger });
  const boss = await survivor.boss();
  const id = await withTransaction(db, (tx) =>
    queue.send(tx, "webhook-delivery", {}, { expireInSeconds: 1, retryDelay: 0 }),
  );
  expect(await boss.fetch("webhook-delivery")).toMatchObject([{ id, retryCount: 0 }]);
  const again = await until(async () => (await boss.fetch("webhook-delivery"))[0], { deadlineMs: 30_000 });
  expect(again).toMatchObject({ id, retryCount: 1 });
  await survivor.stop();
});

test("migrating again keeps the jobs and leaves one row per queue", async () => {
  const before = await countJobs();
  await migrateDatabase(ownerUrl);
  expect(await countJobs()).toBe(before);
  const { rows } = await db.pool.query(
    "SELECT name FROM jobs.queue WHERE name NOT LIKE '\\_\\_%' ORDER BY name",
  );
  expect(rows.map(({ name }) => name)).toEqual(Object.keys(QUEUES).sort());
});

test("a database without queues says so, and works once it is migrated", async () => {
  const emptyUrl = await createDatabase(postgres);
  const empty = connectDatabase({
    url: emptyUrl,
    connectionsMax: 5,
    statementTimeoutMs: 10_000,
    onError: () => {},
  });
  const unready = createJobQueue(empty, { supervise: false, logger });
  await expect(unready.boss()).rejects.toMatchObject({ status: 503 });
  await migrateDatabase(emptyUrl);
  await withTransaction(empty, (tx) => unready.send(tx, DEAD_LETTERS, {}));
  await unready.stop();
  await empty.pool.end();
});
