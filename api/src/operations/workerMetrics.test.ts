import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { metricValue } from "#test/support/metricValue.ts";
import type { StartedProcess } from "#test/support/process.ts";
import { startRpcProxy } from "#test/support/rpcProxy.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";

const TOKEN = "a-token-of-the-tests";
let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ workers: 0 });
});
afterAll(() => stack.stop());

async function metricsUrl(worker: StartedProcess): Promise<string> {
  const [, port] = await worker.waitForLine(/"port":(\d+),"msg":"metrics listening"/);
  return `http://127.0.0.1:${port}/metrics`;
}
const read = async (url: string) =>
  (await fetch(url, { headers: { Authorization: `Bearer ${TOKEN}` } })).text();

test("a worker serves what it does to those who bring the token, when it is told to", async () => {
  const worker = await stack.startWorker({ METRICS_PORT: "0", METRICS_TOKEN: TOKEN });
  const url = await metricsUrl(worker);
  const { key } = await createTenantKey(stack);
  const before = Date.now() / 1_000;
  await call(stack.apiUrl, "POST", "/v1/hashes", { key, body: { hash: randomHash() } });
  const chain_id = String(stack.chainId);
  const count = async (step: string, outcome: string) =>
    metricValue(await read(url), "holdfast_step_duration_seconds_count", { step, outcome, chain_id }) ?? 0;
  for (const step of ["seal", "broadcast", "confirm"])
    await until(async () => (await count(step, "worked")) > 0, { deadlineMs: 30_000 });
  expect(await count("seal", "idle")).toBeGreaterThan(0);
  const fanOut = { step: "fan out webhook events", outcome: "idle", chain_id: "" };
  expect(metricValue(await read(url), "holdfast_step_duration_seconds_count", fanOut)).toBeGreaterThan(0);
  const last = { step: "seal", chain_id };
  expect(
    metricValue(await read(url), "holdfast_step_last_success_timestamp_seconds", last),
  ).toBeGreaterThanOrEqual(before);
  expect((await fetch(url)).status).toBe(401);
  expect((await fetch(url, { headers: { Authorization: "Bearer nonsense" } })).status).toBe(401);
  expect((await fetch(new URL("/", url))).status).toBe(404);
  await worker.stop();
  await expect(fetch(url)).rejects.toThrow();
});

test("a worker whose chain is away counts failed calls and steps, and no success", async () => {
  const proxy = await startRpcProxy({ target: stack.rpcUrl });
  const worker = await stack.startWorker({
    METRICS_PORT: "0",
    METRICS_TOKEN: TOKEN,
    CHAIN_RPC_URL: proxy.url,
    RPC_TIMEOUT_MS: "500",
  });
  const url = await metricsUrl(worker);
  const chain_id = String(stack.chainId);
  const failed = { step: "take back", outcome: "failed", chain_id };
  await proxy.stop();
  await until(async () => metricValue(await read(url), "holdfast_step_duration_seconds_count", failed), {
    deadlineMs: 30_000,
  });
  const text = await read(url);
  expect(metricValue(text, "holdfast_rpc_errors_total", { chain_id })).toBeGreaterThan(0);
  const last = { step: "take back", chain_id };
  const stands = metricValue(text, "holdfast_step_last_success_timestamp_seconds", last);
  await until(async () => metricValue(await read(url), "holdfast_step_duration_seconds_count", failed)! > 1, {
    deadlineMs: 30_000,
  });
  expect(metricValue(await read(url), "holdfast_step_last_success_timestamp_seconds", last)).toBe(stands);
  await worker.stop();
});

test("a worker whose metrics port is taken says so and does not start", async () => {
  const { port } = new URL(stack.apiUrl);
  const worker = await stack.startWorker({ METRICS_PORT: port }, { ready: false });
  await worker.exited;
  expect(worker.output()).toContain(`Port ${port} on 127.0.0.1 is taken; set METRICS_PORT`);
});
