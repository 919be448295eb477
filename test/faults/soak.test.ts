import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Hex } from "#protocol/bytes.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { type PostgresProxy, startPostgresProxy } from "#test/support/postgresProxy.ts";
import type { StartedProcess } from "#test/support/process.ts";
import { type RpcFault, refusals } from "#test/support/rpcFault.ts";
import { type RpcProxy, startRpcProxy } from "#test/support/rpcProxy.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { expectKept } from "./accepted.ts";
import { askNode } from "./askNode.ts";
import { keepIndexerRunning } from "./keepIndexerRunning.ts";

/** SOAK_SEED repeats the choices of a run, SOAK_SECONDS prolongs it: `SOAK_SEED=7 SOAK_SECONDS=600 npx vitest run …`. */
const SEED = Number(process.env.SOAK_SEED ?? Date.now() % 1_000_000);
const DURATION_MS = Number(process.env.SOAK_SECONDS ?? 40) * 1_000;
/** Age up to which a snapshot is gone back to: within what the index takes as not yet final. */
const REORG_MS = 5_000;
const PAUSE_MAX_MS = 100;

let stack: TestStack;
let database: PostgresProxy;
let rpc: RpcProxy;
let indexer: ReturnType<typeof keepIndexerRunning>;
let workers: StartedProcess[];
let api: Awaited<ReturnType<TestStack["startApi"]>>;
let key: string;
const accepted = new Set<Hex>();
const submitting: Promise<void>[] = [];
const slips: unknown[] = [];

beforeAll(async () => {
  stack = await startStack({ workers: 0 });
  database = await startPostgresProxy({ databaseUrl: stack.databaseUrl });
  rpc = await startRpcProxy({ target: stack.rpcUrl });
  workers = await Promise.all([startWorker(), startWorker()]);
  api = await stack.startApi({ DATABASE_URL: database.url });
  indexer = keepIndexerRunning(stack);
  ({ key } = await createTenantKey(stack));
});

afterAll(async () => {
  await indexer?.stop();
  await stack?.stop();
  await database?.stop();
  await rpc?.stop();
});

function startWorker(): Promise<StartedProcess> {
  const settings = { PIPELINE_POLL_MS: "20", SEAL_INTERVAL_MS: "100", BATCH_LEAVES_MAX: "40" };
  const fees = { RPC_TIMEOUT_MS: "500", RESEND_AFTER_MS: "500", REPLACE_AFTER_MS: "2000" };
  return stack.startWorker(
    { ...settings, ...fees, DATABASE_URL: database.url, CHAIN_RPC_URL: rpc.url },
    { ready: false },
  );
}

/** Numbers from 0 to 1 that the seed decides (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** As a client does: again until it is answered, whatever breaks meanwhile. */
async function submit(count: number): Promise<void> {
  const hashes = Array.from({ length: count }, randomHash);
  const body = { hashes: hashes.map((hash) => ({ hash })) };
  for (;;) {
    const answer = await call(api.url, "POST", "/v1/hashes/batch", { key, body }).catch(() => null);
    if (answer?.status === 202) break;
    if (answer !== null && answer.status !== 503) slips.push({ status: answer.status, body: answer.body });
    await delay(20);
  }
  for (const hash of hashes) accepted.add(hash);
}

async function restartWorker(place: number): Promise<void> {
  await workers[place]!.kill9();
  workers[place] = await startWorker();
}

const faults: RpcFault[] = [
  { kind: "drop", forward: true },
  { kind: "drop", forward: false },
  { kind: "delay", forward: true, delayMs: 700 },
  { kind: "httpStatus", status: 429 },
  { kind: "garbage", forward: true },
  { kind: "answerTwice" },
];
const sendFaults: RpcFault[] = [
  { kind: "loseTransaction" },
  { kind: "sendTwice" },
  refusals.nonceTooLow,
  refusals.underpriced,
  refusals.insufficientFunds,
];

/** What can happen, and how often against one another. */
function happenings(random: () => number): [weight: number, what: string, happen: () => Promise<unknown>][] {
  const below = (limit: number) => Math.floor(random() * limit);
  let snapshot: { id: unknown; atMs: number } | null = null;
  return [
    [30, "submit", async () => void submitting.push(submit(1 + below(30)))],
    [4, "kill a worker", () => restartWorker(below(2))],
    [
      6,
      "kill a worker at a write",
      async () => {
        const place = below(2);
        const [stored, nth] = [random() < 0.5, 1 + below(12)];
        const fault = database.addFault({ nth, stored, meanwhile: () => workers[place]!.kill9() });
        await Promise.race([fault.done, delay(500)]);
        if (!fault.remove()) await fault.done;
        await restartWorker(place);
      },
    ],
    [
      2,
      "kill the API",
      async () => {
        await api.process.kill9();
        api = await stack.startApi({ DATABASE_URL: database.url });
      },
    ],
    [1, "kill the indexer", () => indexer.kill9()],
    [3, "cut all database connections", async () => database.severAll()],
    [
      8,
      "RPC fault",
      async () => {
        rpc.addRule({
          method: "*",
          nth: 1 + below(10),
          times: 1 + below(8),
          fault: faults[below(faults.length)]!,
        });
      },
    ],
    [
      6,
      "RPC fault when sending",
      async () => {
        const fault = sendFaults[below(sendFaults.length)]!;
        rpc.addRule({ method: "eth_sendRawTransaction", times: 1 + below(2), fault });
      },
    ],
    [
      4,
      "reorganise",
      async () => {
        const atMs = performance.now();
        if (snapshot !== null && atMs - snapshot.atMs < REORG_MS)
          await askNode(stack, "evm_revert", [snapshot.id]);
        snapshot = { id: await askNode(stack, "evm_snapshot"), atMs };
      },
    ],
  ];
}

test(`whatever happens, in whatever order, nothing is lost and all invariants hold (seed ${SEED})`, async () => {
  const random = randomOf(SEED);
  const possible = happenings(random);
  const total = possible.reduce((sum, [weight]) => sum + weight, 0);
  const choose = () => {
    let left = random() * total;
    return possible.find(([weight]) => {
      left -= weight;
      return left < 0;
    })!;
  };
  const count = new Map<string, number>();
  for (const endMs = performance.now() + DURATION_MS; performance.now() < endMs; ) {
    const [, what, happen] = choose();
    count.set(what, (count.get(what) ?? 0) + 1);
    await happen();
    await delay(PAUSE_MAX_MS * random());
  }
  await Promise.all(submitting);
  rpc.clearRules();
  await submit(5);
  console.log(`soak: seed ${SEED}, ${accepted.size} hashes accepted`, Object.fromEntries(count));
  expect(slips).toEqual([]);
  await expectKept(stack, accepted);
  expect(accepted.size).toBeGreaterThan(100);
});
