import { afterAll, beforeAll, expect, test } from "vitest";
import type { Hex } from "#protocol/bytes.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";
import { expectKept, type Submitter } from "./accepted.ts";
import { keepIndexerRunning } from "./keepIndexerRunning.ts";

const CLIENTS = 8;

let stack: TestStack;
let submitter: Submitter;
let indexer: ReturnType<typeof keepIndexerRunning>;

beforeAll(async () => {
  stack = await startStack({ workers: 2, settings: { PIPELINE_POLL_MS: "20" } });
  indexer = keepIndexerRunning(stack);
  submitter = { apiUrl: stack.apiUrl, key: (await createTenantKey(stack)).key };
});

afterAll(async () => {
  await indexer?.stop();
  await stack?.stop();
});

/** Clients that submit without a pause; what the API answered, by status. */
function startLoad() {
  const statuses = new Map<number, number>();
  const accepted: Hex[] = [];
  const slips: unknown[] = [];
  let loading = true;
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (loading) {
      const hash = randomHash();
      const { status, body } = await call(submitter.apiUrl, "POST", "/v1/hashes", {
        key: submitter.key,
        body: { hash },
      });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 202) accepted.push(hash);
      else if (status !== 503 && status !== 429) slips.push({ status, body });
    }
  });
  return {
    statuses,
    accepted,
    slips,
    async stop() {
      loading = false;
      await Promise.all(clients);
    },
  };
}

test.for(["clean", "crash"] as const)(
  "PostgreSQL restarts under load (%s): the API says 503 meanwhile, goes on by itself, and every 202 is durable",
  async (how) => {
    const load = startLoad();
    await until(() => load.accepted.length >= 50);
    await stack.postgres.restart(how);
    const back = load.accepted.length;
    await until(() => load.accepted.length >= back + 50, { deadlineMs: 30_000 });
    await load.stop();
    expect(load.slips).toEqual([]);
    expect(load.statuses.get(503)).toBeGreaterThan(0);
    await expectKept(stack, load.accepted);
  },
);

test("API and workers are the processes that they were: none of them ended", async () => {
  for (const process of [stack.api, ...stack.workers]) {
    const ended = await Promise.race([process.exited.then(() => process.output()), Promise.resolve("no")]);
    expect(ended).toBe("no");
  }
});
