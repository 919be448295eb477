import { join } from "node:path";
import { startProcess } from "#test/support/process.ts";
import { createKeys } from "./apiKeys.ts";
import { run as runAuditQuery } from "./auditQuery.ts";
import { randomHash } from "./contentHashes.ts";
import { interleave, loadWithoutErrors } from "./measure.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";

const connections = 64;
const seconds = 3;
const rounds = 5;
const hashesMax = 100_000; // a round: more than can be stored in the time

/**
 * What keys, limits, quotas and the audit log cost POST /v1/hashes, and what it takes to read the audit log. When BENCH_BEFORE
 * names a checkout of an earlier commit, with its packages installed, its API is measured in the same run.
 */
export async function run(options: { startStack: StartStack }): Promise<Row[]> {
  const before = process.env.BENCH_BEFORE;
  const submitting = await withStack(
    options.startStack,
    async (stack) => [
      await againstBareApi(stack),
      ...(before === undefined ? [] : [await againstBefore(stack, before)]),
    ],
    { pipeline: false },
  );
  return [...submitting, ...(await runAuditQuery(options))];
}

async function againstBareApi(stack: Stack): Promise<Row> {
  const bare = startProcess("test/bench/bareApi.ts", { env: { DATABASE_URL: stack.databaseUrl } });
  try {
    const [, bareUrl] = await bare.waitForLine(/^listening (\S+)/);
    const now = await plannedRate(stack);
    const { platform, without } = await interleave(rounds, {
      platform: now,
      without: () => rate(bareUrl!, () => ({})),
    });
    return submitRow("the same route without any of them", platform, without, "");
  } finally {
    await bare.stop();
  }
}

/** The promise, to the letter: against the rate of the commit before these parts came. */
async function againstBefore(stack: Stack, checkout: string): Promise<Row> {
  const { startBenchStack } = await import(join(checkout, "test", "bench", "startBenchStack.ts"));
  return withStack(
    startBenchStack as StartStack,
    async (earlier) => {
      const keys = await createKeys(earlier, connections);
      const { platform, before } = await interleave(rounds, {
        platform: await plannedRate(stack),
        before: () => rate(earlier.apiUrl, withKeys(keys)),
      });
      return submitRow("the earlier commit in BENCH_BEFORE", platform, before, "≥ 0.8");
    },
    { pipeline: false },
  );
}

function submitRow(against: string, measured: number, baseline: number, promise: string): Row {
  return {
    name: `POST /v1/hashes with keys, limits, quota and audit, against ${against}`,
    measured: perSecond(measured),
    baseline: perSecond(baseline),
    ratio: measured / baseline,
    promise,
  };
}

const withKeys = (keys: readonly string[]) => (i: number) => ({ "x-api-key": keys[i % connections]! });

async function plannedRate(stack: Stack): Promise<() => Promise<number>> {
  const keys = await createKeys(stack, connections);
  await planAll(stack);
  return () => rate(stack.apiUrl, withKeys(keys));
}

/** Gives every tenant the plan with the highest quota, so that it is counted and nothing refused. */
async function planAll(stack: Stack): Promise<void> {
  const headers = { "content-type": "application/json", "x-api-key": stack.adminKey };
  const listed = await fetch(`${stack.apiUrl}/admin/tenants?limit=100`, { headers });
  const { data } = (await listed.json()) as { data: { id: string; name: string }[] };
  for (const { id } of data.filter(({ name }) => name === "Benchmark")) {
    const body = JSON.stringify({ plan: "pro" });
    const changed = await fetch(`${stack.apiUrl}/admin/tenants/${id}`, { method: "PATCH", headers, body });
    if (!changed.ok) throw new Error(`plan of ${id}: ${changed.status}`);
  }
}

async function rate(url: string, headers: (i: number) => Record<string, string>): Promise<number> {
  const result = await loadWithoutErrors({
    url,
    seconds,
    connections,
    distinct: hashesMax,
    expectStatus: 202,
    request: (i) => ({
      method: "POST",
      path: "/v1/hashes",
      headers: headers(i),
      body: JSON.stringify({ hash: randomHash() }),
    }),
  });
  return result.requestsPerSecond;
}

function perSecond(requests: number): string {
  return `${Math.round(requests).toLocaleString("en")} requests/s`;
}
