import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPublicClient, createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { deployAnchorRegistry } from "#scripts/deploy.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { type StartedProcess, startProcess } from "#test/support/process.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { verifyReceipt } from "#verifier/verifyReceipt.ts";
import { expectKept, type Submitter, submitBatch, submitOne, untilAnchored } from "./accepted.ts";
import { type VerifyWatch, watchVerify } from "./watchVerify.ts";

let stack: TestStack;
let submitter: Submitter;
let newChain: StartedProcess | undefined;
let deploymentsDir: string;

beforeAll(async () => {
  deploymentsDir = mkdtempSync(join(tmpdir(), "holdfast-deployments-"));
  stack = await startStack({ settings: { PIPELINE_POLL_MS: "20" } });
  submitter = { apiUrl: stack.apiUrl, key: (await createTenantKey(stack)).key };
});

afterAll(async () => {
  await newChain?.stop();
  await stack?.stop();
  rmSync(deploymentsDir, { recursive: true, force: true });
});

/** A chain of the same id on the same port that holds nothing but the contract. */
async function resetChain(): Promise<void> {
  await stack.chain.stop();
  const { port } = new URL(stack.rpcUrl);
  newChain = startProcess("scripts/devChain.ts", { args: ["--mining", "200", "--port", port] });
  await newChain.waitForLine(/"rpcUrl"/);
  const transport = http(stack.rpcUrl);
  const account = privateKeyToAccount(stack.chain.accounts[1]!.privateKey);
  await deployAnchorRegistry({
    publicClient: createPublicClient({ transport, pollingInterval: 50 }),
    walletClient: createWalletClient({ account, transport }),
    deploymentsDir,
  });
}

test("a chain that starts empty while the database remembers anchors: old receipts are claimed by nobody, and all is anchored again", async () => {
  const first = await submitBatch(submitter, 30);
  await untilAnchored(stack, first);
  const second = await submitOne(submitter);
  await untilAnchored(stack, [second]);
  const before = [...first, second];
  const oldReceipts = new Map<string, AnchorReceipt>();
  for (const hash of before)
    oldReceipts.set(hash, (await call(stack.apiUrl, "GET", `/v1/receipts/${hash}`)).body);

  const watches: VerifyWatch[] = [first[0]!, second].map((hash) => watchVerify(stack, hash));
  await resetChain();
  const during = await submitOne(submitter);
  await expectKept(stack, [...before, during]);
  await Promise.all(watches.map((watch) => watch.stop()));

  for (const [place, hash] of [first[0]!, second].entries()) {
    const { anchor } = oldReceipts.get(hash)!;
    const said = watches[place]!.said();
    const lastOld = said.findLastIndex(({ blockHash }) => blockHash === anchor.blockHash);
    expect(said[lastOld + 1]).toMatchObject({ verified: false, status: "batched" });
    expect(said.at(-1)).toMatchObject({ verified: true });
  }
  for (const [hash, oldReceipt] of oldReceipts) {
    const { verdict } = await verifyReceipt({ receipt: oldReceipt, rpc: stack.rpcUrl });
    expect({ hash, verdict }).toEqual({ hash, verdict: "invalid" });
    const { body: receipt } = await call(stack.apiUrl, "GET", `/v1/receipts/${hash}`);
    expect(receipt.anchor.blockHash).not.toBe(oldReceipt.anchor.blockHash);
  }
});
