import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Hex } from "#protocol/bytes.ts";
import { rowsHolding, TEST_SECRET } from "#test/support/api.ts";
import { startAnvilChain, type TestChain } from "#test/support/chains.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import type { StartedProcess } from "#test/support/process.ts";
import { deployRegistry, type TestRegistry } from "#test/support/registry.ts";
import { type RpcProxy, startRpcProxy } from "#test/support/rpcProxy.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";
import { query, untilAnchored } from "./faults/accepted.ts";

const ADDED_CHAIN_ID = 424_242;
const NEW_SECRET = "the secret that comes after the first one";

let stack: TestStack;
let added: {
  chain: TestChain;
  registry: TestRegistry;
  rpc: RpcProxy;
  publisherKey: Hex;
  /** How many rows a query finds that is given the chain's condition. */
  rows(sql: string): Promise<number>;
};
let worker: StartedProcess;
const workers: StartedProcess[] = [];
let key: string;
let folder: string;
/** Chain id of every hash that was answered 202. */
const accepted = new Map<Hex, number>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-chains-"));
  const [started, chain] = await Promise.all([
    startStack({ settings: { CHAIN_KEY_ENCRYPTION_SECRET: TEST_SECRET } }),
    startAnvilChain({ chainId: ADDED_CHAIN_ID, mining: { intervalMs: 200 } }),
  ]);
  stack = started;
  worker = stack.workers[0]!;
  workers.push(worker);
  added = {
    chain,
    registry: await deployRegistry(chain),
    rpc: await startRpcProxy({ target: chain.rpcUrl }),
    publisherKey: chain.accounts[3]!.privateKey,
    rows: async (sql) => (await query(stack, `${sql} AND chain_id = ${ADDED_CHAIN_ID}`)).length,
  };
  ({ key } = await createTenantKey(stack));
});
afterAll(async () => {
  await stack?.stop();
  await added?.rpc.stop();
  await added?.chain.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function accept(chainId?: number): Promise<Hex> {
  const hash = randomHash();
  const answer = await call(stack.apiUrl, "POST", "/v1/hashes", { key, body: { hash, chainId } });
  expect(answer.status).toBe(202);
  accepted.set(hash, chainId ?? stack.chainId);
  return hash;
}

async function startWorker(settings?: Record<string, string>): Promise<StartedProcess> {
  const started = await stack.startWorker(settings);
  workers.push(started);
  return started;
}

/** Runs a program of ours as a user would. */
function run(script: string, args: string[], env: Record<string, string> = {}) {
  return promisify(execFile)(process.execPath, [script, ...args], { env: { ...process.env, ...env } }).then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    ({ code, stdout, stderr }) => ({ code, output: stdout + stderr }),
  );
}

/** What anybody does with a receipt: asks the chain that it names, and nobody else. */
async function verify(hash: Hex, rpcUrl: string, publisher: string) {
  const { body: receipt } = await call(stack.apiUrl, "GET", `/v1/receipts/${hash}`);
  const file = join(folder, "receipt.json");
  writeFileSync(file, JSON.stringify(receipt));
  const pins = ["--contract", stack.contract, "--publisher", publisher, "--key", receipt.publicKey];
  return {
    receipt,
    ...(await run("verifier/bin/holdfast-verify.js", [file, "--rpc", rpcUrl, ...pins])),
  };
}

describe("HA-17 a second chain, added over HTTP to a running stack", () => {
  test("is there at once for submissions, and its hashes are anchored on it and verified against it", async () => {
    const answer = await call(stack.apiUrl, "POST", "/admin/chains", {
      key: stack.adminKey,
      body: {
        name: "Second",
        chainId: ADDED_CHAIN_ID,
        rpcUrl: added.rpc.url,
        contractAddress: added.registry.address,
        privateKey: added.publisherKey,
        confirmations: 3,
      },
    });
    expect(answer).toMatchObject({ status: 201, body: { chainId: ADDED_CHAIN_ID, isDefault: false } });
    const onSecond = await accept(ADDED_CHAIN_ID);
    const onFirst = await accept();
    await untilAnchored(stack, [onFirst, onSecond]);

    const second = await verify(onSecond, added.chain.rpcUrl, added.chain.accounts[3]!.address);
    expect(second).toMatchObject({ code: 0, receipt: { anchor: { chainId: ADDED_CHAIN_ID } } });
    const first = await verify(onFirst, stack.rpcUrl, stack.publisher);
    expect(first).toMatchObject({ code: 0, receipt: { anchor: { chainId: stack.chainId } } });
    const elsewhere = await verify(onSecond, stack.rpcUrl, added.chain.accounts[3]!.address);
    expect(elsewhere.code).not.toBe(0);
  });

  test("has batches and a publisher of its own, and waits for its own confirmations", async () => {
    const { testClient } = added.registry;
    await testClient.setIntervalMining({ interval: 0 });
    const [onSecond, onFirst] = [await accept(ADDED_CHAIN_ID), await accept()];
    await untilAnchored(stack, [onFirst]);
    await until(
      async () => (await added.rows("SELECT FROM app.anchor_transactions WHERE sent_at IS NOT NULL")) === 2,
    );
    await testClient.mine({ blocks: 1 });
    const included = await added.registry.publicClient.getBlockNumber();
    await testClient.mine({ blocks: 1 });
    // With the first chain's two confirmations it would be anchored now: the index has it, and a worker has looked twice.
    await until(
      async () => (await added.rows(`SELECT FROM chain.anchors WHERE block_number = ${included}`)) === 1,
    );
    const looks = added.rpc.callsTo("eth_getBlockByNumber").length;
    await until(() => added.rpc.callsTo("eth_getBlockByNumber").length > looks + 20);
    expect((await call(stack.apiUrl, "GET", `/v1/verify/${onSecond}`)).body).toMatchObject({
      status: "batched",
    });
    await testClient.mine({ blocks: 1 });
    await untilAnchored(stack, [onSecond]);
    await testClient.setIntervalMining({ interval: 1 });
    const own = await call(stack.apiUrl, "GET", `/v1/hashes/${onSecond}`, { key });
    expect(own.body).toMatchObject({
      chainId: ADDED_CHAIN_ID,
      anchor: { chainId: ADDED_CHAIN_ID, blockNumber: Number(included) },
      receipt: { anchor: { publisher: added.chain.accounts[3]!.address.toLowerCase(), leafCount: 1 } },
    });
  });

  test("is in readiness, metrics and the checks of index and database", async () => {
    const ready = await until(
      async () => {
        const { status, body } = await call(stack.apiUrl, "GET", "/ready");
        return status === 200 ? body : null;
      },
      { deadlineMs: 30_000 },
    );
    const ids = [stack.chainId, ADDED_CHAIN_ID];
    expect(ready.chains.map(({ chainId }: { chainId: number }) => chainId)).toEqual(ids);
    const { body: metrics } = await call(stack.apiUrl, "GET", "/metrics");
    for (const name of [
      'batches{chain_id="ID",state="anchored"}',
      'index_behind_blocks{chain_id="ID"}',
      'publisher_balance_ether{chain_id="ID"',
    ])
      for (const id of ids) expect(metrics).toContain(`holdfast_${name.replace("ID", String(id))}`);
    expect(
      await run("scripts/checkInvariants.ts", ["--rpc"], { DATABASE_URL: stack.databaseUrl }),
    ).toMatchObject({
      code: 0,
    });
    const index = await run("scripts/checkIndex.ts", [
      ...["--graphql", `${stack.indexerUrl}/graphql`, "--contract", stack.contract],
      ...["--rpc", stack.rpcUrl, "--rpc", added.chain.rpcUrl],
    ]);
    expect(index).toMatchObject({ code: 0 });
    for (const id of ids) expect(index.output).toContain(`chain ${id} `);
  });

  test("goes on after kill -9 of the worker, and nothing that was accepted for either chain is lost", async () => {
    const hashes: Hex[] = [];
    for (const chainId of [ADDED_CHAIN_ID, stack.chainId, ADDED_CHAIN_ID]) hashes.push(await accept(chainId));
    // In the middle of the second chain's work: its transaction has reached the node, and the worker never hears of it.
    const rule = added.rpc.addRule({
      method: "eth_sendRawTransaction",
      fault: { kind: "drop", forward: true, meanwhile: () => worker.kill9() },
    });
    await until(rule.applied);
    await worker.exited;
    for (const chainId of [ADDED_CHAIN_ID, stack.chainId]) hashes.push(await accept(chainId));
    worker = await startWorker();
    await untilAnchored(stack, hashes);
  });

  test("whose RPC is dead holds up neither the first chain nor its own submissions, also not at a worker's start", async () => {
    const silence = added.rpc.addRule({
      method: "*",
      times: Number.POSITIVE_INFINITY,
      fault: { kind: "delay", forward: false, delayMs: 60_000 },
    });
    await worker.stop();
    worker = await startWorker({ RPC_TIMEOUT_MS: "5000" });
    const waiting = await accept(ADDED_CHAIN_ID);
    for (let i = 0; i < 3; i++) await untilAnchored(stack, [await accept()]);
    expect((await call(stack.apiUrl, "GET", `/v1/verify/${waiting}`)).body.verified).toBe(false);
    silence.remove();
    await untilAnchored(stack, [waiting]);
  });

  test("is left alone by a worker that lacks the secret of its key, which says so and works for the first chain", async () => {
    await worker.stop();
    worker = await startWorker({ CHAIN_KEY_ENCRYPTION_SECRET: "" });
    await worker.waitForLine(/key does not open: CHAIN_KEY_ENCRYPTION_SECRET/);
    await untilAnchored(stack, [await accept()]);
  });

  test("is worked for by a worker without a chain in its settings", async () => {
    await worker.stop();
    worker = await startWorker({
      CHAIN_ID: "",
      CHAIN_RPC_URL: "",
      CHAIN_CONTRACT_ADDRESS: "",
      CHAIN_PUBLISHER_PRIVATE_KEY: "",
    });
    await untilAnchored(stack, [await accept(ADDED_CHAIN_ID)]);
  });

  test("keeps its key through a change of the secret that seals it, which may be made in the middle of the work", async () => {
    await worker.stop();
    worker = await startWorker({ CHAIN_KEY_ENCRYPTION_SECRET: `${NEW_SECRET},${TEST_SECRET}` });
    const env = {
      DATABASE_URL: stack.databaseUrl,
      CHAIN_KEY_ENCRYPTION_SECRET: `${NEW_SECRET},${TEST_SECRET}`,
    };
    const onTheWay = await accept(ADDED_CHAIN_ID);
    expect(await run("scripts/resealSecrets.ts", [], env)).toMatchObject({ code: 0 });
    await untilAnchored(stack, [onTheWay]);
    await worker.stop();
    worker = await startWorker({ CHAIN_KEY_ENCRYPTION_SECRET: NEW_SECRET });
    await untilAnchored(stack, [await accept(ADDED_CHAIN_ID)]);
  });

  test("whose receipts all hold, and whose private key is in no log and nowhere in clear in the database", async () => {
    for (const [hash, chainId] of accepted) {
      const [rpcUrl, publisher] =
        chainId === ADDED_CHAIN_ID
          ? [added.chain.rpcUrl, added.chain.accounts[3]!.address]
          : [stack.rpcUrl, stack.publisher];
      const { code, receipt } = await verify(hash, rpcUrl, publisher);
      expect({ code, chainId: receipt.anchor.chainId }).toEqual({ code: 0, chainId });
    }
    const secret = added.publisherKey.slice(2);
    for (const started of [stack.api, ...workers, stack.indexer!])
      expect(started.output().toLowerCase()).not.toContain(secret);
    expect(await rowsHolding(stack.databaseUrl, secret)).toEqual([]);
  });
});
