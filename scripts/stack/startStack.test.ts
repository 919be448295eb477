import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SETTINGS } from "#api/config.ts";
import { startAnvilChain } from "#test/support/chains.ts";
import { deployRegistry } from "#test/support/registry.ts";
import { until } from "#test/support/until.ts";
import { READ_BY } from "./processSettings.ts";
import { type Stack, startStack } from "./startStack.ts";

const DEVELOPMENT_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const OWNER_URL = "postgres://owner:owner-password@127.0.0.1:1/unused";

let home: string;
let stack: Stack;
const failures: string[] = [];

const start = () =>
  startStack({
    home,
    settings: { DATABASE_OWNER_URL: OWNER_URL },
    ports: { api: 0, indexer: 0, rpc: 0 },
    onProgress: () => {},
    onFailure: (reason) => failures.push(reason),
    signal: new AbortController().signal,
  });

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "holdfast-start-"));
  stack = await start();
});
afterAll(async () => {
  await stack.stop();
  rmSync(home, { recursive: true });
});

const writtenFile = () => JSON.parse(readFileSync(join(home, "stack.json"), "utf8"));

async function submit(hash: string, chainId?: number): Promise<void> {
  const response = await fetch(`${stack.api}/v1/hashes`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": stack.adminKey },
    body: JSON.stringify({ hash, chainId }),
  });
  expect(response.status).toBe(202);
}

const receiptOf = (hash: string) =>
  until(
    async () => {
      const response = await fetch(`${stack.api}/v1/receipts/${hash}`).catch(() => null);
      return response?.status === 200 ? response.json() : null;
    },
    { deadlineMs: 50_000, intervalMs: 200 },
  );

test("a second start in the same home is refused, and the running stack keeps its stack.json", async () => {
  const before = writtenFile();
  await expect(start()).rejects.toMatchObject({ code: "postgres_in_use" });
  expect(writtenFile()).toEqual(before);
});

test("HA-10 webhooks may not call this machine, and stack.json says so", () => {
  expect(writtenFile()).toMatchObject({ webhookAllowLoopback: false });
});

test("HA-17 a chain that is added over HTTP is worked for and indexed by what runs already", async () => {
  const chain = await startAnvilChain({ chainId: 424_242, mining: { intervalMs: 500 } });
  try {
    const { address } = await deployRegistry(chain);
    const added = await fetch(`${stack.api}/admin/chains`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": stack.adminKey },
      body: JSON.stringify({
        name: "Second",
        chainId: chain.chainId,
        rpcUrl: chain.rpcUrl,
        contractAddress: address,
        privateKey: chain.accounts[3]!.privateKey,
        confirmations: 1,
      }),
    });
    expect(added.status).toBe(201);
    const hash = `0x${"33".repeat(32)}`;
    await submit(hash, chain.chainId);
    expect((await receiptOf(hash)).anchor.chainId).toBe(chain.chainId);
  } finally {
    await chain.stop();
  }
});

test("every setting belongs to the API or a worker", () => {
  expect(new Set<string>([...READ_BY.api, ...READ_BY.worker])).toEqual(new Set(Object.keys(SETTINGS)));
});

test.runIf(existsSync("/proc/self/environ"))("each secret is only where SECURITY.md says it is", () => {
  const { api, worker, indexer } = stack.pids();
  const environment = (pid: number) => readFileSync(`/proc/${pid}/environ`, "utf8");
  for (const pid of [api, indexer]) expect(environment(pid)).not.toContain(DEVELOPMENT_KEY);
  expect(environment(worker)).toContain(DEVELOPMENT_KEY);
  for (const pid of [api, worker, indexer]) expect(environment(pid)).not.toContain(OWNER_URL);
  const sealing = readFileSync(join(home, "chain-key-encryption-secret"), "utf8");
  for (const pid of [api, worker]) expect(environment(pid)).toContain(sealing);
  expect(environment(indexer)).not.toContain(sealing);
  const ownerPassword = readFileSync(join(home, "postgres", "password"), "utf8");
  for (const pid of [api, worker]) expect(environment(pid)).not.toContain(ownerPassword);
});

test("a development chain that was killed comes back with the contract, and hashes are anchored again", async () => {
  const before = `0x${"11".repeat(32)}`;
  await submit(before);
  const { anchor } = await receiptOf(before);
  const { chain } = stack.pids();
  process.kill(chain!, "SIGKILL");
  await until(() => stack.pids().chain !== chain);
  const after = `0x${"22".repeat(32)}`;
  await submit(after);
  await receiptOf(after);
  const again = await until(async () => {
    const receipt = await receiptOf(before);
    return receipt.anchor.transactionHash !== anchor.transactionHash ||
      receipt.anchor.blockHash !== anchor.blockHash
      ? receipt
      : null;
  });
  expect(again.hash).toBe(before);
  expect(failures).toEqual([]);
}, 120_000);

test("the admin key lives as long as the home, in a file of mode 0600, and so does its tenant", async () => {
  const { adminKey } = stack;
  await stack.stop();
  expect(existsSync(join(home, "stack.json"))).toBe(false);
  stack = await start();
  expect(stack.adminKey).toBe(adminKey);
  expect(statSync(join(home, "admin-key")).mode & 0o777).toBe(0o600);
  const client = new pg.Client({ connectionString: stack.database });
  await client.connect();
  const { rows } = await client.query(
    "SELECT (SELECT count(*) FROM app.api_keys) AS keys, (SELECT count(*) FROM app.tenants) AS tenants",
  );
  await client.end();
  expect(rows).toEqual([{ keys: "1", tenants: "1" }]);
}, 120_000);

test("HA-1 a development stack lets one address sign up more often than the default limit", async () => {
  const limit = Number(SETTINGS.SIGN_UP_RATE_LIMIT.default);
  expect(limit).toBeGreaterThan(0);
  for (let signUp = 0; signUp <= limit; signUp++) {
    const response = await fetch(`${stack.api}/auth/provision`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: `Tenant ${signUp}` }),
    });
    expect(response.status).toBe(201);
  }
});

test("the stack's owner hears that PostgreSQL has ended", async () => {
  const [postmaster] = readFileSync(join(home, "postgres", "cluster", "postmaster.pid"), "utf8").split("\n");
  process.kill(Number(postmaster), "SIGKILL");
  await until(() => failures.length > 0);
  expect(failures).toEqual([expect.stringContaining("PostgreSQL ended with SIGKILL")]);
});
