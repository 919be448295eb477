import { createKeys } from "./apiKeys.ts";
import { randomHash } from "./contentHashes.ts";
import type { LoadOptions } from "./load.ts";
import { interleave, loadWithoutErrors } from "./measure.ts";
import type { Row } from "./row.ts";
import { type StartStack, withStack } from "./stack.ts";
import { startBaselines } from "./startBaselines.ts";

const connections = 64;
const seconds = 3;
const rounds = 5;
const hashesMax = 100_000; // a round: more than can be stored in the time
const echoesBuilt = 10_000;

/** POST /v1/hashes with everything that is around it, against a bare INSERT and a bare echo. */
export async function run({ startStack }: { startStack: StartStack }): Promise<Row[]> {
  return withStack(startStack, async (stack) => {
    const keys = await createKeys(stack, connections);
    const baselines = await startBaselines(stack.databaseUrl);
    const rate = async (
      target: Pick<LoadOptions, "url" | "distinct" | "repeat" | "expectStatus" | "request">,
    ) => (await loadWithoutErrors({ seconds, connections, ...target })).requestsPerSecond;
    const body = () => JSON.stringify({ hash: randomHash() });
    try {
      const { api, insert, echo } = await interleave(rounds, {
        insert: () =>
          rate({
            url: baselines.url,
            distinct: hashesMax,
            expectStatus: 202,
            request: () => ({ method: "POST", path: "/insert", body: body() }),
          }),
        api: () =>
          rate({
            url: stack.apiUrl,
            distinct: hashesMax,
            expectStatus: 202,
            request: (i) => ({
              method: "POST",
              path: "/v1/hashes",
              headers: { "x-api-key": keys[i % connections]! },
              body: body(),
            }),
          }),
        echo: () =>
          rate({
            url: baselines.url,
            distinct: echoesBuilt,
            repeat: true,
            request: () => ({ method: "POST", path: "/echo", body: body() }),
          }),
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
  });
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString("en")} requests/s`;
}
