import { createKeys } from "./apiKeys.ts";
import { randomHash } from "./contentHashes.ts";
import { interleave, loadWithoutErrors } from "./measure.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";
import { startBaselines } from "./startBaselines.ts";

const connections = 64;
const seconds = 3;
const rounds = 5;
const hashesMax = 100_000; // a round: more than can be stored in the time
const echoesBuilt = 10_000;

/**
 * POST /v1/hashes with authentication, limits and durable commit, against a bare INSERT and a bare echo; then again while
 * workers and indexer take the machine's other half, as a figure to know.
 */
export async function run({ startStack }: { startStack: StartStack }): Promise<Row[]> {
  const alone = await withStack(startStack, againstBaselines, { pipeline: false });
  const withPipeline = await withStack(startStack, async (stack) => {
    const { api } = await interleave(rounds, { api: await apiRate(stack) });
    return api;
  });
  const known = { name: "POST /v1/hashes, while what was accepted is anchored on the same machine" };
  return [
    ...alone,
    { ...known, measured: perSecond(withPipeline), baseline: "", ratio: Number.NaN, promise: "" },
  ];
}

async function againstBaselines(stack: Stack): Promise<Row[]> {
  const baselines = await startBaselines(stack.databaseUrl);
  try {
    const { api, insert, echo } = await interleave(rounds, {
      insert: () => insertRate(baselines.url),
      api: await apiRate(stack),
      echo: () => echoRate(baselines.url),
    });
    const row = (against: string, baseline: number, promise: string): Row => ({
      name: `POST /v1/hashes, against a bare Hono route that ${against}`,
      measured: perSecond(api),
      baseline: perSecond(baseline),
      ratio: api / baseline,
      promise,
    });
    return [row("does one INSERT", insert, "≥ 2.5"), row("echoes JSON", echo, "≥ 0.5")];
  } finally {
    await baselines.stop();
  }
}

async function apiRate(stack: Stack): Promise<() => Promise<number>> {
  const keys = await createKeys(stack, connections);
  return async () => {
    const result = await loadWithoutErrors({
      url: stack.apiUrl,
      seconds,
      connections,
      distinct: hashesMax,
      expectStatus: 202,
      request: (i) => ({
        method: "POST",
        path: "/v1/hashes",
        headers: { "x-api-key": keys[i % connections]! },
        body: newBody(),
      }),
    });
    return result.requestsPerSecond;
  };
}

async function insertRate(url: string): Promise<number> {
  const request = () => ({ method: "POST" as const, path: "/insert", body: newBody() });
  const target = { url, distinct: hashesMax, expectStatus: 202, request };
  return (await loadWithoutErrors({ seconds, connections, ...target })).requestsPerSecond;
}

async function echoRate(url: string): Promise<number> {
  const request = () => ({ method: "POST" as const, path: "/echo", body: newBody() });
  const target = { url, distinct: echoesBuilt, repeat: true, request };
  return (await loadWithoutErrors({ seconds, connections, ...target })).requestsPerSecond;
}

function newBody(): string {
  return JSON.stringify({ hash: randomHash() });
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString("en")} requests/s`;
}
