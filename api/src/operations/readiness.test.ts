import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi, UNREACHABLE_CHAIN_ID } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { startPostgresProxy } from "#test/support/postgresProxy.ts";
import { until } from "#test/support/until.ts";
import { createStandstill } from "./readiness.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

test("an API whose chain does not answer is not ready, says which, and still accepts", async () => {
  const { key } = await createTenantKey(api);
  expect(await call(api.apiUrl, "GET", "/ready")).toMatchObject({
    status: 503,
    body: {
      ready: false,
      database: { reachable: true },
      chains: [{ chainId: UNREACHABLE_CHAIN_ID, reachable: false, latestBlock: null, blocksBehind: null }],
    },
  });
  const body = { hash: randomHash() };
  expect((await call(api.apiUrl, "POST", "/v1/hashes", { key, body })).status).toBe(202);
});

test("while the database is away everything but /health is a 503, and no answer tells its address", async () => {
  const proxy = await startPostgresProxy({ databaseUrl: api.databaseUrl });
  const behind = await api.startApi({ DATABASE_URL: proxy.url });
  const { key } = await createTenantKey(api);
  const hash = randomHash();
  const ask = (method: string, path: string, body?: unknown) =>
    call(behind.url, method, path, { key, ...(body ? { body } : {}) });
  expect((await ask("POST", "/v1/hashes", { hash })).status).toBe(202);
  await proxy.stop();

  expect(await ask("GET", "/health")).toMatchObject({ status: 200, body: { status: "ok" } });
  expect(await ask("GET", "/ready")).toMatchObject({
    status: 503,
    body: { ready: false, database: { reachable: false }, chains: [] },
  });
  const answers = [
    await ask("POST", "/v1/hashes", { hash: randomHash() }),
    await ask("POST", "/v1/hashes/batch", { hashes: [{ hash }] }),
    await ask("GET", `/v1/hashes/${hash}`),
    await ask("GET", "/v1/batches"),
    await ask("GET", `/v1/verify/${hash}`),
    await ask("GET", `/v1/receipts/${hash}`),
    await ask("GET", "/v1/public-key"),
    await ask("POST", "/admin/tenants", { name: "x" }),
  ];
  for (const answer of answers) {
    expect(answer.status).toBe(503);
    expect(answer.body).toEqual({ error: expect.any(String) });
    expect(answer.headers.get("Retry-After")).toBe("1");
    expect(JSON.stringify(answer.body)).not.toMatch(/127\.0\.0\.1|postgres/i);
  }
  await behind.process.stop();
});

test("a database that says nothing at all is a 503 in the end, and served again when it speaks", async () => {
  const proxy = await startPostgresProxy({ databaseUrl: api.databaseUrl });
  const behind = await api.startApi({ DATABASE_URL: proxy.url });
  const { key } = await createTenantKey(api);
  const submit = () => call(behind.url, "POST", "/v1/hashes", { key, body: { hash: randomHash() } });
  const read = () => call(behind.url, "GET", "/v1/batches", { key });
  expect((await submit()).status).toBe(202);
  proxy.pause();
  for (const answer of await Promise.all([submit(), read(), read()])) expect(answer.status).toBe(503);
  proxy.resume();
  await until(async () => (await submit()).status === 202 && (await read()).status === 200, {
    deadlineMs: 30_000,
  });
  await behind.process.stop();
  await proxy.stop();
});

test("an API outlives a restart of its database", async () => {
  const proxy = await startPostgresProxy({ databaseUrl: api.databaseUrl });
  const behind = await api.startApi({ DATABASE_URL: proxy.url });
  const { key } = await createTenantKey(api);
  for (let round = 0; round < 3; round++) {
    proxy.severAll();
    const body = { hash: randomHash() };
    const submit = () => call(behind.url, "POST", "/v1/hashes", { key, body });
    // At once it may be told to try again, for its connections are gone; never anything worse.
    const statuses: number[] = [];
    await until(async () => {
      statuses.push((await submit()).status);
      return statuses.at(-1) !== 503;
    });
    expect([200, 202]).toContain(statuses.at(-1));
  }
  await behind.process.stop();
  await proxy.stop();
});

test("an indexer that reads nothing while its chain goes on is away after 30 s, until it reads again", () => {
  let now = new Date(0);
  const standsStill = createStandstill(() => now);
  const at = (seconds: number, indexedBlock: number, blocksBehind: number | null) => {
    now = new Date(seconds * 1_000);
    return standsStill(1, indexedBlock, blocksBehind);
  };
  expect(at(0, 40, 0)).toBe(false);
  expect(at(3_600, 40, 0)).toBe(false); // a chain without new blocks
  expect(at(3_601, 40, 10)).toBe(false);
  expect(at(3_620, 45, 5)).toBe(false);
  expect(at(3_649, 45, 20)).toBe(false);
  expect(at(3_650, 45, null)).toBe(true);
  expect(standsStill(2, 45, 5)).toBe(false);
  expect(at(3_651, 46, 20)).toBe(false);
});
