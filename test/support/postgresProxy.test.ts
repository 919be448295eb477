import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createDatabase, startTestPostgres } from "./postgres.ts";
import { type PostgresProxy, startPostgresProxy } from "./postgresProxy.ts";
import { startProcess } from "./process.ts";
import { until } from "./until.ts";

let server: Awaited<ReturnType<typeof startTestPostgres>>;
let direct: pg.Client;
let proxy: PostgresProxy;
let databaseUrl: string;
let opened: pg.Client[] = [];

beforeAll(async () => {
  server = await startTestPostgres({ durable: false });
  databaseUrl = await createDatabase(server);
  direct = await connectTo(databaseUrl);
  await direct.query("CREATE TABLE kept (n int PRIMARY KEY)");
});
beforeEach(async () => {
  opened = [];
  proxy = await startPostgresProxy({ databaseUrl });
  await direct.query("TRUNCATE kept");
});
afterEach(async () => {
  await Promise.allSettled(opened.map((client) => client.end()));
  await proxy.stop();
});
afterAll(async () => {
  await direct?.end();
  await server?.stop();
});

async function connectTo(connectionString: string, pipeline = false): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, pipeline } as pg.ClientConfig);
  client.on("error", () => {}); // cut connections are what these tests are about
  await client.connect();
  return client;
}

async function connectThrough({ pipeline = false } = {}): Promise<pg.Client> {
  const client = await connectTo(proxy.url, pipeline);
  opened.push(client);
  return client;
}

async function kept(): Promise<number[]> {
  return (await direct.query("SELECT n FROM kept ORDER BY n")).rows.map((row: { n: number }) => row.n);
}

const insert = (n: number) => ({ name: "keep", text: "INSERT INTO kept (n) VALUES ($1)", values: [n] });
const othersConnected = async () =>
  (
    await direct.query(
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
  ).rowCount;

test("round trips are counted: simple, parameterised and named statements are one each", async () => {
  const client = await connectThrough();
  await client.query("SELECT 1; SELECT 2");
  await client.query("SELECT $1::int", [1]);
  await client.query(insert(1));
  await client.query(insert(2));
  expect(proxy.units.map(({ sql, writes }) => ({ sql: sql.join(), writes }))).toEqual([
    { sql: "SELECT 1; SELECT 2", writes: false },
    { sql: "SELECT $1::int", writes: false },
    { sql: insert(1).text, writes: true },
    { sql: insert(2).text, writes: true },
  ]);
  expect(await kept()).toEqual([1, 2]);
});

test.each([
  ["BEGIN", false],
  ["SELECT n FROM kept FOR UPDATE SKIP LOCKED", false],
  ["SELECT n FROM kept FOR NO KEY UPDATE", false],
  ["SELECT 'insert', 1 AS \"delete\" -- update\n /* drop */", false],
  ["SELECT CASE WHEN true THEN 1 END AS updated_at", false],
  ["WITH gone AS (DELETE FROM kept RETURNING n) SELECT * FROM gone", true],
  ["SELECT pg_notify('c', '')", true],
  ["NOTIFY c", true],
  ["commit", true],
  ["UPDATE kept SET n = n", true],
  ["CREATE TEMP TABLE t ()", true],
])("%s: writes is %s", async (sql, writes) => {
  const client = await connectThrough();
  await client.query(sql);
  expect(proxy.units.at(-1)?.writes).toBe(writes);
});

test("a unit that fails and is not stored never reaches the server", async () => {
  const client = await connectThrough();
  const seen: number[] = [];
  const fault = proxy.addFault({
    nth: 2,
    stored: false,
    meanwhile: async () => seen.push(...(await kept())),
  });
  await client.query(insert(1));
  await expect(client.query(insert(2))).rejects.toThrow();
  expect((await fault.done).sql).toEqual([insert(2).text]);
  expect(seen).toEqual([1]);
  expect(await kept()).toEqual([1]);
  await until(async () => (await othersConnected()) === 0);
});

test("a unit that fails but is stored has been carried out before the client learns anything", async () => {
  const client = await connectThrough();
  const seen: number[] = [];
  const fault = proxy.addFault({ nth: 2, stored: true, meanwhile: async () => seen.push(...(await kept())) });
  await client.query(insert(1));
  await expect(client.query(insert(2))).rejects.toThrow();
  await fault.done;
  expect(seen).toEqual([1, 2]);
});

test("writes are counted across connections, and reads not", async () => {
  const [one, other] = [await connectThrough(), await connectThrough()];
  const fault = proxy.addFault({ nth: 3, stored: false });
  await one.query(insert(1));
  await one.query("SELECT 1");
  await other.query(insert(2));
  expect(fault.applied()).toBe(false);
  await expect(one.query(insert(3))).rejects.toThrow();
  await other.query(insert(4));
  expect(await kept()).toEqual([1, 2, 4]);
});

test("a fault can be aimed at a statement, and taken back", async () => {
  const client = await connectThrough();
  const aimed = proxy.addFault({ matching: /^COMMIT/, stored: false });
  const takenBack = proxy.addFault({ stored: false });
  expect(takenBack.remove()).toBe(true);
  await client.query("BEGIN");
  await client.query(insert(1));
  await expect(client.query("COMMIT")).rejects.toThrow();
  expect(aimed.applied()).toBe(true);
  expect(takenBack.applied()).toBe(false);
  await until(async () => (await othersConnected()) === 0);
  expect(await kept()).toEqual([]);
});

test("what a hook throws is not swallowed", async () => {
  const client = await connectThrough();
  const fault = proxy.addFault({
    stored: false,
    meanwhile: () => {
      throw new RangeError("from the hook");
    },
  });
  const done = expect(fault.done).rejects.toThrow(RangeError);
  await expect(client.query(insert(1))).rejects.toThrow();
  await done;
});

test.each([
  { stored: false, nth: 5, rows: [1, 2], why: "the third insert is not sent" },
  {
    stored: true,
    nth: 5,
    rows: [1, 2],
    why: "the third insert is sent, its transaction dies with the client",
  },
  { stored: false, nth: 6, rows: [1, 2], why: "the third commit is not sent" },
  { stored: true, nth: 6, rows: [1, 2, 3], why: "the third commit is carried out, its answer lost" },
])("kill -9 at writing unit $nth, stored $stored: $why", async ({ stored, nth, rows }) => {
  const writer = startProcess("test/support/fixtures/insertRows.ts", { env: { DATABASE_URL: proxy.url } });
  const fault = proxy.addFault({ nth, stored, meanwhile: () => writer.kill9() });
  await fault.done;
  expect((await writer.exited).signal).toBe("SIGKILL");
  expect(writer.output()).toBe("kept 1\nkept 2\n");
  await until(async () => (await othersConnected()) === 0);
  expect(await kept()).toEqual(rows);
});

test.each([
  { stored: false, outcome: ["fulfilled", "rejected", "rejected"], rows: [1] },
  { stored: true, outcome: ["fulfilled", "rejected", "rejected"], rows: [1, 2, 3] },
])("of pipelined units, stored $stored at the second leaves $rows", async ({ stored, outcome, rows }) => {
  const client = await connectThrough({ pipeline: true });
  proxy.addFault({ nth: 2, stored });
  const answers = await Promise.allSettled([1, 2, 3].map((n) => client.query(insert(n))));
  expect(answers.map((answer) => answer.status)).toEqual(outcome);
  await until(async () => (await othersConnected()) === 0);
  expect(await kept()).toEqual(rows);
});

test("severAll cuts what is open and lets new connections in", async () => {
  const client = await connectThrough();
  const pending = expect(client.query("SELECT pg_sleep(60)")).rejects.toThrow();
  await until(() => proxy.units.length === 1);
  proxy.severAll();
  await pending;
  expect((await (await connectThrough()).query("SELECT 1")).rowCount).toBe(1);
});

test("while paused nothing goes through, also on new connections; afterwards everything does", async () => {
  const client = await connectThrough();
  proxy.pause();
  const insertion = client.query(insert(1));
  const late = connectThrough();
  let connected = false;
  void late.then(() => {
    connected = true;
  });
  await direct.query("SELECT pg_sleep(0.2)");
  expect(await kept()).toEqual([]);
  expect(connected).toBe(false);
  proxy.resume();
  await insertion;
  await late;
  expect(await kept()).toEqual([1]);
});

test("large statements and large answers come through whole", async () => {
  const client = await connectThrough();
  const text = "x".repeat(3_000_000);
  const [echo, many] = await Promise.all([
    client.query("SELECT $1::text AS text", [text]),
    client.query("SELECT generate_series(1, 100000) AS n"),
  ]);
  expect(echo.rows[0].text).toBe(text);
  expect(many.rowCount).toBe(100_000);
});

test("a client that asks for encryption is told that there is none", async () => {
  const client = new pg.Client({ connectionString: proxy.url, ssl: { rejectUnauthorized: false } });
  await expect(client.connect()).rejects.toThrow(/does not support SSL/);
});
