import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "#scripts/stack/freePort.ts";
import { startTestApi, type TestApi, UNREACHABLE_CHAIN_ID } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { metricValue } from "#test/support/metricValue.ts";
import { until } from "#test/support/until.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

/** The value of one sample, by its name and labels in any order; null when there is none. */
async function metric(name: string, labels: Record<string, string> = {}, origin = api.apiUrl) {
  const answer = await fetch(`${origin}/metrics`);
  expect(answer.headers.get("Content-Type")).toMatch(/^text\/plain; version=0\.0\.4/);
  return metricValue(await answer.text(), name, labels);
}
const chain_id = String(UNREACHABLE_CHAIN_ID);

test("the depth and age of the pipeline are read from the database", async () => {
  const { key } = await createTenantKey(api);
  const before = (await metric("holdfast_pending_hashes", { chain_id }))!;
  for (let i = 0; i < 3; i++)
    await call(api.apiUrl, "POST", "/v1/hashes", { key, body: { hash: randomHash() } });
  await until(async () => (await metric("holdfast_pending_hashes", { chain_id })) === before + 3);
  await api.db.pool.query("UPDATE app.submissions SET created_at = created_at - interval '1 hour'");
  await until(async () => (await metric("holdfast_oldest_pending_seconds", { chain_id }))! >= 3_600);
  expect(await metric("holdfast_batches", { chain_id, state: "sealed" })).toBe(0);
  expect(await metric("holdfast_anchor_gas_used", { chain_id })).toBe(0);
});

test("requests are timed by the route's pattern and never by what is asked for", async () => {
  const { key } = await createTenantKey(api);
  const labels = { method: "GET", route: "/v1/hashes/:hash", status: "404" };
  const before = (await metric("holdfast_http_request_duration_seconds_count", labels)) ?? 0;
  const hash = randomHash();
  await call(api.apiUrl, "GET", `/v1/hashes/${hash}`, { key });
  await call(api.apiUrl, "GET", `/nothing/${hash}`, { key });
  expect(await metric("holdfast_http_request_duration_seconds_count", labels)).toBe(before + 1);
  expect(await (await fetch(`${api.apiUrl}/metrics`)).text()).not.toContain(hash);
});

test("requests over a rate limit and over a quota are counted apart", async () => {
  const own = await api.startApi({ PLAN_FREE_HASHES: "0" });
  const { key, tenantId } = await createTenantKey(api, { rateLimitPerMinute: 1 });
  await call(api.apiUrl, "PATCH", `/admin/tenants/${tenantId}`, {
    key: api.adminKey,
    body: { plan: "free" },
  });
  const submit = () => call(own.url, "POST", "/v1/hashes", { key, body: { hash: randomHash() } });
  expect([(await submit()).status, (await submit()).status]).toEqual([429, 429]);
  expect(await metric("holdfast_limited_requests_total", { limit: "quota" }, own.url)).toBe(1);
  expect(await metric("holdfast_limited_requests_total", { limit: "rate" }, own.url)).toBe(1);
  await own.process.stop();
});

test("calls to a chain that fail are counted by chain, and a chain that is away has no balance", async () => {
  await call(api.apiUrl, "GET", "/ready");
  expect(await metric("holdfast_rpc_errors_total", { chain_id })).toBeGreaterThan(0);
  expect(await metric("holdfast_publisher_balance_ether", { chain_id })).toBeNull();
});

test("HA-13 counts that fall back to PostgreSQL say so", async () => {
  const behind = await api.startApi({ REDIS_URL: `redis://127.0.0.1:${await freePort(0)}` });
  const { key } = await createTenantKey(api);
  await call(behind.url, "GET", "/v1/batches", { key });
  expect(await metric("holdfast_rate_limit_fallbacks_total", {}, behind.url)).toBeGreaterThan(0);
  await behind.process.stop();
});

test("with METRICS_TOKEN metrics are for those who bring it", async () => {
  const token = "a-token-of-the-tests";
  const guarded = await api.startApi({ METRICS_TOKEN: token });
  const status = (headers: Record<string, string>) =>
    call(guarded.url, "GET", "/metrics", { headers }).then((answer) => answer.status);
  expect(await status({ Authorization: `Bearer ${token}` })).toBe(200);
  expect(await status({ Authorization: `bearer ${token}` })).toBe(200);
  for (const wrong of [
    "",
    token,
    `Basic ${token}`,
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    "Bearer ",
  ])
    expect(await status({ Authorization: wrong })).toBe(401);
  expect(await status({ "X-API-Key": api.adminKey })).toBe(401);
  const refused = await call(guarded.url, "GET", "/metrics");
  expect(refused).toMatchObject({ status: 401, body: { error: "Invalid metrics token" } });
  expect(refused.headers.get("WWW-Authenticate")).toBe("Bearer");
  expect((await call(guarded.url, "GET", "/health")).status).toBe(200);
  expect(guarded.process.output()).not.toContain(token);
  await guarded.process.stop();
});
