import { afterAll, beforeAll, expect, test } from "vitest";
import type { Hex } from "#protocol/bytes.ts";
import { createTenantKey } from "#test/support/client.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { expectKept, query, submitBatch, submitOne } from "./accepted.ts";
import { askNode } from "./askNode.ts";

const TENANTS = 3;
const ROUNDS = 12;

let stack: TestStack;

beforeAll(async () => {
  stack = await startStack({
    workers: 3,
    settings: { PIPELINE_POLL_MS: "10", SEAL_INTERVAL_MS: "30", BATCH_LEAVES_MAX: "25" },
  });
});

afterAll(() => stack?.stop());

test("three workers under load seal nothing twice and lose no nonce, one of them being killed", async () => {
  const accepted: Hex[] = [];
  const load = Array.from({ length: TENANTS }, async () => {
    const submitter = { apiUrl: stack.apiUrl, key: (await createTenantKey(stack)).key };
    for (let round = 0; round < ROUNDS; round++) {
      accepted.push(...(await submitBatch(submitter, 20)), await submitOne(submitter));
      if (round === ROUNDS / 2) await stack.workers[0]!.kill9();
    }
  });
  await Promise.all(load);
  await expectKept(stack, accepted);
  expect(accepted).toHaveLength(TENANTS * ROUNDS * 21);

  const sealers = stack.workers.filter((worker) => worker.output().includes('"msg":"batch sealed"'));
  expect(sealers.length).toBeGreaterThan(1);
  const [stored] = await query<{ leaves: number; nonces: number; highest: number }>(
    stack,
    `SELECT (SELECT sum(leaf_count)::int FROM app.batches) AS leaves, count(DISTINCT nonce)::int AS nonces, max(nonce) AS highest
     FROM app.anchor_transactions`,
  );
  expect(stored!.leaves).toBe(accepted.length);
  // Every nonce from the first to the last was stored before it was used, and was mined.
  expect(stored!.nonces).toBe(stored!.highest + 1);
  for (const tag of ["latest", "pending"])
    expect(Number(await askNode(stack, "eth_getTransactionCount", [stack.publisher, tag]))).toBe(
      stored!.nonces,
    );
});
