import { afterAll, beforeAll, expect, test } from "vitest";
import type { Hex } from "#protocol/bytes.ts";
import { createTenantKey } from "#test/support/client.ts";
import { type PostgresProxy, startPostgresProxy } from "#test/support/postgresProxy.ts";
import type { StartedProcess } from "#test/support/process.ts";
import { type RpcProxy, startRpcProxy } from "#test/support/rpcProxy.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";
import { expectInvariants, expectKept, submitOne, untilAnchored } from "./accepted.ts";

// One stack for all crash points: the worker that recovers from one crash is the one that is killed at the next.
let stack: TestStack;
let key: string;
let database: PostgresProxy;
let rpc: RpcProxy;
let worker: StartedProcess;
const accepted: Hex[] = [];

/** Repeated at every look at the chain, so it gets a test of its own instead of a place in the sequence. */
const HEADS = /^UPDATE app\.chains SET latest_block/;
/**
 * What a worker does beside the pipeline comes at times of its own, jobs by the clock (sweeps of exports, media and deliveries) among it, so it
 * has no place in the sequence either; see webhooks.test.ts, exportInterrupted.test.ts and media.test.ts.
 */
const BESIDE =
  /\bjobs\.|^\s*WITH RECURSIVE waiting\b|"app"\."exports"|\bapp\.(?:exports|verification_media|webhook_deliveries)\b/;
const WRITE =
  /^\s*(?!UPDATE app\.chains SET latest_block)(?![\s\S]*(?:\bjobs\.|\bapp\.(?:exports|verification_media|webhook_deliveries)\b))(?!WITH RECURSIVE waiting)(?:INSERT|UPDATE|DELETE|COMMIT|WITH)\b/;

beforeAll(async () => {
  stack = await startStack({
    workers: 0,
    settings: { PIPELINE_POLL_MS: "20", SEAL_INTERVAL_MS: "10", RESEND_AFTER_MS: "500" },
  });
  database = await startPostgresProxy({ databaseUrl: stack.databaseUrl });
  rpc = await startRpcProxy({ target: stack.rpcUrl });
  worker = await startVictim();
  ({ key } = await createTenantKey(stack));
});

afterAll(async () => {
  await stack?.stop();
  await database?.stop();
  await rpc?.stop();
});

function startVictim(options?: { ready: boolean }): Promise<StartedProcess> {
  return stack.startWorker({ DATABASE_URL: database.url, CHAIN_RPC_URL: rpc.url }, options);
}

async function accept(): Promise<Hex> {
  const hash = await submitOne({ apiUrl: stack.apiUrl, key });
  accepted.push(hash);
  return hash;
}

const fates = [
  { fate: "fails and is not stored", stored: false },
  { fate: "fails but is stored", stored: true },
];

test.for(fates)("a worker killed at each write of its start: $fate", async ({ stored }) => {
  await worker.kill9();
  const hit: string[] = [];
  for (let nth = 1; ; nth++) {
    const fault = database.addFault({ matching: WRITE, nth, stored, meanwhile: () => worker.kill9() });
    worker = await startVictim({ ready: false });
    await Promise.race([worker.exited, worker.waitForLine(/"msg":"worker ready"/)]).catch(() => {});
    if (fault.remove()) break;
    hit.push((await fault.done).sql.join(";"));
  }
  expect(hit.length).toBeGreaterThanOrEqual(6); // the signing key's and the chain's registration, each with its commit
  await untilAnchored(stack, [await accept()]);
  await expectInvariants(stack);
});

test.for(fates)("a worker killed at each write from sealing to receipts: $fate", async ({ stored }) => {
  const hit: string[] = [];
  for (let nth = 1; ; nth++) {
    const fault = database.addFault({ matching: WRITE, nth, stored, meanwhile: () => worker.kill9() });
    const hash = await accept();
    await Promise.race([worker.exited, untilAnchored(stack, [hash])]);
    if (fault.remove()) break;
    hit.push((await fault.done).sql.join(";"));
    worker = await startVictim();
    await untilAnchored(stack, [hash]);
  }
  for (const table of ["batches", "batch_trees", "batch_tenants", "anchor_transactions", "batch_receipts"])
    expect(
      hit.some((sql) => sql.startsWith(`INSERT INTO app.${table}`)),
      table,
    ).toBe(true);
  // Sealed, broadcast, anchored; the loops run side by side, so two runs may be hit at the same commit, and one at none.
  expect(hit).toContain("COMMIT");
  await expectInvariants(stack);
});

test.for(fates)("a worker killed while it notes the chain's heads: $fate", async ({ stored }) => {
  const fault = database.addFault({ matching: HEADS, nth: 2, stored, meanwhile: () => worker.kill9() });
  const hash = await accept();
  await fault.done;
  worker = await startVictim();
  await untilAnchored(stack, [hash]);
});

test.for([
  { moment: "before the node has it", forward: false },
  { moment: "after the node took it", forward: true },
])("a worker killed at each eth_sendRawTransaction, $moment", async ({ forward }) => {
  const hashes: Hex[] = [];
  // The second time it is the recovering worker's own repeat that is cut off, unless the first got through.
  for (let kills = 0; kills < (forward ? 1 : 2); kills++) {
    const meanwhile = () => worker.kill9();
    const rule = rpc.addRule({
      method: "eth_sendRawTransaction",
      fault: { kind: "drop", forward, meanwhile },
    });
    if (kills === 0) hashes.push(await accept());
    else worker = await startVictim({ ready: false });
    await until(rule.applied);
    await worker.exited;
  }
  worker = await startVictim();
  await untilAnchored(stack, hashes);
});

test("after all that, every accepted hash is anchored once, and nothing else was written", async () => {
  await expectKept(stack, accepted);
  const missed = database.units.filter(
    ({ sql, writes }) =>
      writes &&
      !sql.some((statement) => WRITE.test(statement) || HEADS.test(statement) || BESIDE.test(statement)),
  );
  expect(missed).toEqual([]);
});
