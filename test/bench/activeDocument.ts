import { createTenant } from "./apiKeys.ts";
import { randomHash } from "./contentHashes.ts";
import { interleave, loadWithoutErrors } from "./measure.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";
import { startBaselines } from "./startBaselines.ts";

const connections = 64;
const seconds = 3;
const rounds = 5;
const echoesBuilt = 10_000;
const textCharacters = 20_000;

/** GET /tool/v1/documents/:slug/active with the ETag of the active version, against a bare echo. */
export async function run({ startStack }: { startStack: StartStack }): Promise<Row[]> {
  return withStack(startStack, againstEcho, { pipeline: false });
}

async function againstEcho(stack: Stack): Promise<Row[]> {
  const baselines = await startBaselines(stack.databaseUrl);
  try {
    const { active, echo } = await interleave(rounds, {
      active: await activeRate(stack),
      echo: () => echoRate(baselines.url),
    });
    return [
      {
        name: "GET /tool/v1/documents/:slug/active with a matching ETag, against a bare Hono route that echoes JSON",
        measured: perSecond(active),
        baseline: perSecond(echo),
        ratio: active / echo,
        promise: "≥ 0.7",
      },
    ];
  } finally {
    await baselines.stop();
  }
}

async function activeRate(stack: Stack): Promise<() => Promise<number>> {
  const polled = await Promise.all(Array.from({ length: connections }, () => publishDocument(stack)));
  return async () => {
    const result = await loadWithoutErrors({
      url: stack.apiUrl,
      seconds,
      connections,
      distinct: connections,
      repeat: true,
      expectStatus: 304,
      request: (i) => ({
        method: "GET",
        path: "/tool/v1/documents/terms/active",
        headers: { "x-api-key": polled[i]!.key, "if-none-match": polled[i]!.etag },
      }),
    });
    return result.requestsPerSecond;
  };
}

/** A document of a tenant of its own, with its ETag. */
async function publishDocument(stack: Stack): Promise<{ key: string; etag: string }> {
  const { keys } = await createTenant(stack, 1, ["manage", "query"]);
  const headers = { "content-type": "application/json", "x-api-key": keys[0]! };
  const post = async (path: string, body: object) => {
    const url = new URL(path, stack.apiUrl);
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  };
  await post("/v1/documents", { slug: "terms", title: "Terms of Service" });
  const text = "x".repeat(textCharacters);
  await post("/v1/documents/terms/versions", { version: "1", text, activate: true });
  const answer = await fetch(new URL("/tool/v1/documents/terms/active", stack.apiUrl), { headers });
  return { key: keys[0]!, etag: answer.headers.get("etag")! };
}

async function echoRate(url: string): Promise<number> {
  const request = () => ({
    method: "POST" as const,
    path: "/echo",
    body: JSON.stringify({ hash: randomHash() }),
  });
  const target = { url, distinct: echoesBuilt, repeat: true, request };
  return (await loadWithoutErrors({ seconds, connections, ...target })).requestsPerSecond;
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString("en")} requests/s`;
}
