import { createKeys } from "./apiKeys.ts";
import { randomHash } from "./contentHashes.ts";
import { interleave, loadWithoutErrors } from "./measure.ts";
import { multiRowInsertRate } from "./multiRowInserts.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";

const connections = 64;
const hashesPerCall = 100;
const seconds = 3;
const rounds = 5;
const callsMax = 8_000; // a round: more than any machine answers in the time

/** POST /v1/hashes/batch, against PostgreSQL's own rate for the same rows. */
export async function run({ startStack }: { startStack: StartStack }): Promise<Row[]> {
  return withStack(startStack, againstDatabase, { pipeline: false });
}

async function againstDatabase(stack: Stack): Promise<Row[]> {
  const keys = await createKeys(stack, connections);
  const { api, database } = await interleave(rounds, {
    database: () =>
      multiRowInsertRate({
        databaseUrl: stack.databaseUrl,
        connections: 4,
        rowsPerInsert: hashesPerCall,
        seconds,
      }),
    api: async () => {
      const result = await loadWithoutErrors({
        url: stack.apiUrl,
        seconds,
        connections,
        distinct: callsMax,
        expectStatus: 202,
        request: (i) => ({
          method: "POST",
          path: "/v1/hashes/batch",
          headers: { "x-api-key": keys[i % connections]! },
          body: batchBody(),
        }),
      });
      return result.requestsPerSecond * hashesPerCall;
    },
  });
  return [
    {
      name: "POST /v1/hashes/batch of 100, against multi-row INSERTs of the same rows",
      measured: `${Math.round(api).toLocaleString("en")} rows/s`,
      baseline: `${Math.round(database).toLocaleString("en")} rows/s`,
      ratio: api / database,
      promise: "≥ 0.6",
    },
  ];
}

function batchBody(): string {
  return JSON.stringify({ hashes: Array.from({ length: hashesPerCall }, () => ({ hash: randomHash() })) });
}
