import { createWalletClient, encodeFunctionData, type Hex, http, parseGwei } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { type RpcFault, refusals } from "#test/support/rpcFault.ts";
import { type RpcProxy, startRpcProxy } from "#test/support/rpcProxy.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";
import { expectKept, query, type Submitter, submitOne, untilAnchored } from "./accepted.ts";
import { askNode, mine, pauseMining, resumeMining } from "./askNode.ts";
import { relayAnchor } from "./relayAnchor.ts";

const RPC_TIMEOUT_MS = 400;

let stack: TestStack;
let submitter: Submitter;
let rpc: RpcProxy;
const accepted: Hex[] = [];

beforeAll(async () => {
  stack = await startStack({ workers: 0 });
  rpc = await startRpcProxy({ target: stack.rpcUrl });
  await stack.startWorker({
    CHAIN_RPC_URL: rpc.url,
    RPC_TIMEOUT_MS: String(RPC_TIMEOUT_MS),
    PIPELINE_POLL_MS: "20",
    SEAL_INTERVAL_MS: "20",
    RESEND_AFTER_MS: "300",
    REPLACE_AFTER_MS: "1000",
  });
  submitter = { apiUrl: stack.apiUrl, key: (await createTenantKey(stack)).key };
});

afterAll(async () => {
  await stack?.stop();
  await rpc?.stop();
});

afterEach(async () => {
  rpc.clearRules();
  await resumeMining(stack);
});

async function accept(): Promise<Hex> {
  const hash = await submitOne(submitter);
  accepted.push(hash);
  return hash;
}

const timesOut = { kind: "delay", delayMs: 2 * RPC_TIMEOUT_MS } as const;
const sending = "eth_sendRawTransaction";
const misbehaviours: [what: string, method: string, fault: RpcFault, times: number][] = [
  ["times out before the node has the transaction", sending, { ...timesOut, forward: false }, 2],
  ["times out after the node took the transaction", sending, { ...timesOut, forward: true }, 1],
  ["hangs up before the node has the transaction", sending, { kind: "drop", forward: false }, 2],
  ["hangs up after the node took the transaction", sending, { kind: "drop", forward: true }, 1],
  ["sends the transaction twice", sending, { kind: "sendTwice" }, 1],
  ["answers twice when asked to send", sending, { kind: "answerTwice" }, 1],
  ["loses the transaction it took", sending, { kind: "loseTransaction" }, 2],
  ["says nonce too low, without cause", sending, refusals.nonceTooLow, 2],
  ["says nonce too low, and sent it", sending, { ...refusals.nonceTooLow, forward: true }, 1],
  ["says underpriced", sending, refusals.underpriced, 2],
  ["says insufficient funds", sending, refusals.insufficientFunds, 2],
  ["answers garbage when asked to send", sending, { kind: "garbage", forward: true }, 1],
  ["answers every question twice", "*", { kind: "answerTwice" }, 20],
  ["times out on everything", "*", { ...timesOut, forward: true }, 6],
  ["answers garbage to everything", "*", { kind: "garbage" }, 12],
  ["answers JSON that is no answer", "*", { kind: "garbage", body: "{}" }, 12],
  [
    "answers null to everything",
    "*",
    { kind: "garbage", body: '{"jsonrpc":"2.0","id":1,"result":null}' },
    12,
  ],
  ["limits the rate (HTTP 429)", "*", { kind: "httpStatus", status: 429 }, 12],
  ["fails inside (HTTP 500)", "*", { kind: "httpStatus", status: 500 }, 12],
];

test.for(misbehaviours)("a hash is anchored though the RPC %s", async ([, method, fault, times]) => {
  const rule = rpc.addRule({ method, fault, times });
  const hash = await accept();
  await until(() => rule.applied() === times, { deadlineMs: 30_000 });
  await untilAnchored(stack, [hash]);
});

type AttemptRow = { tx_hash: string; nonce: number; max_fee_wei: string; max_priority_fee_wei: string };

/** What is stored of the transactions for the newest slot, the oldest first. */
function newestAttempts(): Promise<AttemptRow[]> {
  return query<AttemptRow>(
    stack,
    `SELECT '0x' || encode(tx_hash, 'hex') AS tx_hash, nonce, max_fee_wei::text, max_priority_fee_wei::text FROM app.anchor_transactions
     WHERE slot_id = (SELECT slot_id FROM app.anchor_transactions ORDER BY nonce DESC LIMIT 1) ORDER BY stored_at`,
  );
}

async function publisherNonce(tag: "latest" | "pending"): Promise<number> {
  return Number(await askNode(stack, "eth_getTransactionCount", [stack.publisher, tag]));
}

/** Accepts a hash while no block is mined, until the node holds its transaction. */
async function acceptUnmined(): Promise<Hex> {
  await pauseMining(stack);
  const mined = await publisherNonce("latest");
  const hash = await accept();
  await until(async () => (await publisherNonce("pending")) > mined);
  return hash;
}

test("a transaction whose fee is too low for the chain is replaced by one with the same nonce and a higher fee, which is mined", async () => {
  const hash = await acceptUnmined();
  await askNode(stack, "hardhat_setNextBlockBaseFeePerGas", [`0x${parseGwei("40").toString(16)}`]);
  await mine(stack, 1);
  const first = (await newestAttempts())[0]!;
  await until(async () => (await newestAttempts()).length > 1);
  await resumeMining(stack);
  await untilAnchored(stack, [hash]);
  const [row] = await query<{ tx_hash: string }>(
    stack,
    "SELECT '0x' || encode(tx_hash, 'hex') AS tx_hash FROM app.batches ORDER BY id DESC LIMIT 1",
  );
  const attempts = await newestAttempts();
  const mined = attempts.find((attempt) => attempt.tx_hash === row!.tx_hash)!;
  expect(mined.tx_hash).not.toBe(first.tx_hash);
  expect(mined.nonce).toBe(first.nonce);
  for (const fee of ["max_fee_wei", "max_priority_fee_wei"] as const)
    expect(BigInt(mined[fee])).toBeGreaterThanOrEqual((BigInt(first[fee]) * 110n) / 100n);
});

test("a chain that mines nothing does not drive the fee up without end", async () => {
  const hash = await acceptUnmined();
  const first = (await newestAttempts())[0]!;
  // Eleven rises of a quarter make more than tenfold; each replacement is due at once when the clock has moved on.
  const outdate = () =>
    query(
      stack,
      "UPDATE app.anchor_transactions SET stored_at = stored_at - interval '1 hour' WHERE nonce = $1",
      [first.nonce],
    );
  let attempts = 1;
  for (let round = 0; round < 12; round++) {
    await outdate();
    const sends = rpc.callsTo(sending).length;
    await until(() => rpc.callsTo(sending).length > sends);
    attempts = (await newestAttempts()).length;
  }
  const last = (await newestAttempts()).at(-1)!;
  expect(attempts).toBeGreaterThan(2);
  expect(BigInt(last.max_fee_wei)).toBeLessThanOrEqual(10n * BigInt(first.max_fee_wei));
  await resumeMining(stack);
  await untilAnchored(stack, [hash]);
});

/** Uses up the newest attempt's nonce with another transaction of the same key, which pays more. */
async function takeNonce(to: Hex, data: Hex): Promise<number> {
  const { nonce } = (await newestAttempts())[0]!;
  const account = privateKeyToAccount(stack.chain.accounts[0]!.privateKey);
  const wallet = createWalletClient({ account, transport: http(stack.rpcUrl) });
  const fees = { maxFeePerGas: parseGwei("500"), maxPriorityFeePerGas: parseGwei("100") };
  const taker = await wallet.sendTransaction({ chain: null, to, data, nonce, gas: 200_000n, ...fees });
  await mine(stack, 1);
  expect(await askNode(stack, "eth_getTransactionReceipt", [taker])).toMatchObject({ status: "0x1" });
  await resumeMining(stack);
  return nonce;
}

test("a nonce that somebody else used with the same key costs a new transaction and nothing more", async () => {
  const hash = await acceptUnmined();
  const nonce = await takeNonce(stack.publisher, "0x");
  await untilAnchored(stack, [hash]);
  expect((await newestAttempts())[0]!.nonce).toBe(nonce + 1);
});

type Tree = { root: Hex; leaf_count: number };

async function newestTree(): Promise<Tree> {
  const [tree] = await query<Tree>(
    stack,
    "SELECT '0x' || encode(root, 'hex') AS root, leaf_count FROM app.batches ORDER BY id DESC LIMIT 1",
  );
  return tree!;
}

test("a root that somebody else anchored meanwhile with the same key and another leaf count is given up for another root", async () => {
  const hash = await acceptUnmined();
  const tree = await newestTree();
  const args = [tree.root, tree.leaf_count + 1] as const;
  await takeNonce(
    stack.contract,
    encodeFunctionData({ abi: anchorRegistryAbi, functionName: "anchor", args }),
  );
  await untilAnchored(stack, [hash]);
  const { body: receipt } = await call(stack.apiUrl, "GET", `/v1/receipts/${hash}`);
  expect(receipt.merkleRoot).not.toBe(tree.root);
});

test("so is one that was anchored meanwhile by signature, which leaves the nonce, while the RPC lost our transaction", async () => {
  await pauseMining(stack);
  const lost = rpc.addRule({ method: sending, times: Infinity, fault: { kind: "loseTransaction" } });
  const hash = await accept();
  await until(() => lost.applied() > 0);
  const { root, leaf_count } = await newestTree();
  const estimates = rpc.callsTo("eth_estimateGas").length;
  await relayAnchor(stack.chain, stack.contract, { root, leafCount: leaf_count + 1 });
  // The worker hears of it from the node when it comes to replace the transaction.
  await until(() =>
    rpc
      .callsTo("eth_estimateGas")
      .slice(estimates)
      .some(({ answer }) => answer?.error),
  );
  lost.remove();
  await resumeMining(stack);
  await untilAnchored(stack, [hash]);
  const { body: receipt } = await call(stack.apiUrl, "GET", `/v1/receipts/${hash}`);
  expect(receipt.merkleRoot).not.toBe(root);
});

test("a publisher without funds waits for them", async () => {
  const balance = await askNode(stack, "eth_getBalance", [stack.publisher, "latest"]);
  await askNode(stack, "hardhat_setBalance", [stack.publisher, "0x1"]);
  const sends = rpc.callsTo(sending).length;
  const hash = await accept();
  await until(
    () => rpc.callsTo(sending).length >= sends + 3 || rpc.callsTo("eth_estimateGas").at(-1)?.answer?.error,
  );
  await askNode(stack, "hardhat_setBalance", [stack.publisher, balance]);
  await untilAnchored(stack, [hash]);
});

test("after all that, every accepted hash is anchored once, by the contract's word too", () =>
  expectKept(stack, accepted));
