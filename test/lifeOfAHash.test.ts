import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { startAnvilChain, startHardhatChain } from "#test/support/chains.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";

const chains = [
  { name: "Hardhat", start: startHardhatChain },
  { name: "anvil", start: startAnvilChain },
];

/** Runs a program of ours as a user would; its exit code and what it printed. */
function run(script: string, args: string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number; output: string }>((resolve) => {
    execFile(
      process.execPath,
      [script, ...args],
      { env: { ...process.env, ...env } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    );
  });
}

describe.for(chains)("a hash goes in, its root goes on chain, and its receipt holds: $name", ({ start }) => {
  let stack: TestStack;
  let folder: string;
  let key: string;
  const hashes = Array.from({ length: 7 }, randomHash);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-life-"));
    stack = await startStack({ chain: await start({ mining: { intervalMs: 200 } }) });
    ({ key } = await createTenantKey(stack));
  });
  afterAll(async () => {
    await stack?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const receiptOf = async (hash: string): Promise<AnchorReceipt> =>
    (await call(stack.apiUrl, "GET", `/v1/receipts/${hash}`)).body;

  function verify(receipt: unknown, ...pins: string[]) {
    const file = join(folder, "receipt.json");
    writeFileSync(file, JSON.stringify(receipt));
    return run("verifier/bin/holdfast-verify.js", [file, "--rpc", stack.rpcUrl, ...pins]);
  }

  test("HA-2 HA-3 it is accepted, alone and in a batch", async () => {
    const [first, ...others] = hashes;
    expect((await call(stack.apiUrl, "POST", "/v1/hashes", { key, body: { hash: first } })).status).toBe(202);
    const batch = await call(stack.apiUrl, "POST", "/v1/hashes/batch", {
      key,
      body: { hashes: others.map((hash) => ({ hash })) },
    });
    expect(batch).toMatchObject({ status: 202, body: { accepted: others.length, duplicates: 0 } });
  });

  test("HA-5 HA-8 it becomes anchored, for its tenant and for everybody", async () => {
    for (const hash of hashes) {
      await until(
        async () => (await call(stack.apiUrl, "GET", `/v1/verify/${hash}?check=rpc`)).body.verified,
        { deadlineMs: 60_000 },
      );
      const own = await call(stack.apiUrl, "GET", `/v1/hashes/${hash}`, { key });
      expect(own.body).toMatchObject({ status: "anchored", receipt: await receiptOf(hash) });
    }
    const stranger = await createTenantKey(stack);
    expect((await call(stack.apiUrl, "GET", `/v1/hashes/${hashes[0]}`, stranger)).status).toBe(404);
  });

  test("protocol §8 whoever has the receipt and an RPC URL can check it, and sees when it was changed", async () => {
    for (const hash of hashes) {
      const receipt = await receiptOf(hash);
      const pins = ["--contract", stack.contract, "--publisher", stack.publisher, "--key", receipt.publicKey];
      expect(await verify(receipt, ...pins)).toMatchObject({ code: 0 });
    }
    const receipt = await receiptOf(hashes[1]!);
    expect(await verify({ ...receipt, hash: randomHash() })).toMatchObject({ code: 1 });
    expect(
      await verify({ ...receipt, anchor: { ...receipt.anchor, leafCount: receipt.anchor.leafCount + 1 } }),
    ).toMatchObject({ code: 1 });
  });

  test("protocol §4 the index is complete by one eth_call, and all invariants hold", async () => {
    const complete = await run("scripts/checkIndex.ts", [
      ...["--rpc", stack.rpcUrl, "--graphql", `${stack.indexerUrl}/graphql`, "--contract", stack.contract],
      ...["--publisher", stack.publisher],
    ]);
    expect(complete).toMatchObject({ code: 0 });
    const invariants = await run("scripts/checkInvariants.ts", ["--rpc"], {
      DATABASE_URL: stack.databaseUrl,
    });
    expect(invariants).toMatchObject({ code: 0 });
  });
});
