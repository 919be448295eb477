import { connect } from "node:net";
import { createPublicClient, createWalletClient, http, parseGwei } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { anvil as anvilChain } from "viem/chains";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type StartedProcess, startCommand } from "./process.ts";
import { refusals } from "./rpcFault.ts";
import { type RpcProxy, startRpcProxy } from "./rpcProxy.ts";
import { until } from "./until.ts";

const account = mnemonicToAccount("test test test test test test test test test test test junk");
let anvil: StartedProcess;
let proxy: RpcProxy;
let direct: ReturnType<typeof createPublicClient>;

beforeAll(async () => {
  anvil = startCommand("node_modules/.bin/anvil", { args: ["--port", "0"] });
  const nodeUrl = `http://${(await anvil.waitForLine(/^Listening on (\S+)/))[1]}`;
  proxy = await startRpcProxy({ target: nodeUrl });
  direct = createPublicClient({ chain: anvilChain, transport: http(nodeUrl) });
});
afterEach(() => {
  proxy.clearRules();
  proxy.onCall(null);
});
afterAll(async () => {
  await proxy?.stop();
  await anvil?.stop();
});

/** A client of the proxy that never retries: one call is one call. */
function client(options: { timeout?: number; batch?: boolean } = {}) {
  return createPublicClient({ chain: anvilChain, transport: http(proxy.url, { retryCount: 0, ...options }) });
}

async function signedTransfer(): Promise<{ raw: `0x${string}`; nonce: number }> {
  const nonce = await sentCount();
  const wallet = createWalletClient({ account, chain: anvilChain, transport: http(proxy.url) });
  const fees = { maxFeePerGas: parseGwei("10"), maxPriorityFeePerGas: 1n };
  const raw = await wallet.signTransaction({ to: account.address, value: 1n, gas: 21_000n, nonce, ...fees });
  return { raw, nonce };
}

/** Transactions the node has accepted, mined or not. */
const sentCount = () => direct.getTransactionCount({ address: account.address, blockTag: "pending" });

test("without a rule the node's own answers and errors come through", async () => {
  expect(await client().getChainId()).toBe(31337);
  await expect(client().request({ method: "no_such" } as never)).rejects.toMatchObject({ code: -32601 });
  expect(proxy.callsTo("eth_chainId").at(-1)).toMatchObject({ forwarded: 1, answer: { result: "0x7a69" } });
});

test("a rule applies to the n-th matching call and only as often as it says", async () => {
  const rule = proxy.addRule({
    method: "eth_chainId",
    nth: 2,
    times: 2,
    fault: { kind: "httpStatus", status: 500 },
  });
  const outcomes = [];
  for (let i = 0; i < 4; i++) {
    outcomes.push(
      await client()
        .getChainId()
        .then(
          () => "ok",
          () => "failed",
        ),
    );
    await client().getBlockNumber({ cacheTime: 0 });
  }
  expect(outcomes).toEqual(["ok", "failed", "failed", "ok"]);
  expect(rule.applied()).toBe(2);
});

test.each(Object.entries(refusals))(
  "%s is answered in the node's name without asking it",
  async (_name, fault) => {
    const { raw, nonce } = await signedTransfer();
    proxy.addRule({ method: "eth_sendRawTransaction", fault });
    await expect(client().sendRawTransaction({ serializedTransaction: raw })).rejects.toThrow(fault.message);
    expect(await sentCount()).toBe(nonce);
  },
);

test.each([
  { kind: "drop", forward: false },
  { kind: "httpStatus", status: 429, forward: false },
  { kind: "garbage", forward: false },
  { kind: "delay", delayMs: 60_000, forward: false },
] as const)("$kind before forwarding: the client fails and nothing is stored", async (fault) => {
  const { raw, nonce } = await signedTransfer();
  proxy.addRule({ method: "eth_sendRawTransaction", fault });
  await expect(client({ timeout: 300 }).sendRawTransaction({ serializedTransaction: raw })).rejects.toThrow();
  expect(await sentCount()).toBe(nonce);
});

test.each([
  { kind: "drop", forward: true },
  { kind: "httpStatus", status: 500, forward: true },
  { kind: "garbage", body: "{}}", forward: true },
  { kind: "delay", delayMs: 60_000, forward: true },
] as const)("$kind after forwarding: the client fails and the transaction is stored", async (fault) => {
  const { raw, nonce } = await signedTransfer();
  proxy.addRule({ method: "eth_sendRawTransaction", fault });
  await expect(client({ timeout: 300 }).sendRawTransaction({ serializedTransaction: raw })).rejects.toThrow();
  expect(await sentCount()).toBe(nonce + 1);
});

test("a lost transaction has the right hash and is unknown to the node", async () => {
  const { raw, nonce } = await signedTransfer();
  proxy.addRule({ method: "eth_sendRawTransaction", fault: { kind: "loseTransaction" } });
  const claimed = await client().sendRawTransaction({ serializedTransaction: raw });
  expect(await sentCount()).toBe(nonce);
  expect(await direct.sendRawTransaction({ serializedTransaction: raw })).toBe(claimed);
});

test("a transaction sent twice is carried out once and the second refusal is what the client sees", async () => {
  const { raw, nonce } = await signedTransfer();
  proxy.addRule({ method: "eth_sendRawTransaction", fault: { kind: "sendTwice" } });
  await expect(client().sendRawTransaction({ serializedTransaction: raw })).rejects.toThrow();
  expect(proxy.calls.at(-1)).toMatchObject({ forwarded: 2, answer: { error: {} } });
  expect(await sentCount()).toBe(nonce + 1);
});

test("two answers to one question stand on the wire one after the other", async () => {
  proxy.addRule({ method: "eth_chainId", fault: { kind: "answerTwice" } });
  const body = JSON.stringify({ jsonrpc: "2.0", id: 7, method: "eth_chainId" });
  const socket = connect(Number(new URL(proxy.url).port), "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8").on("data", (chunk) => {
    received += chunk;
  });
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  await until(() => received.match(/HTTP\/1\.1 200.*?"0x7a69".*HTTP\/1\.1 200.*?"0x7a69"/s));
  socket.destroy();
});

test("a client that gets two answers stays usable", async () => {
  proxy.addRule({ method: "eth_chainId", fault: { kind: "answerTwice" } });
  const one = client();
  expect(await one.getChainId()).toBe(31337);
  expect(await one.getBlockNumber({ cacheTime: 0 })).toBeTypeOf("bigint");
});

test("a hook holds the call until it is done, before the node hears of it", async () => {
  const { raw, nonce } = await signedTransfer();
  const seen: (number | string)[] = [];
  proxy.onCall(async (call) => {
    seen.push(call.method, await sentCount(), call.forwarded);
  });
  await client().sendRawTransaction({ serializedTransaction: raw });
  expect(seen).toEqual(["eth_sendRawTransaction", nonce, 0]);
});

test("what runs before a cut with forwarding sees the node's answer", async () => {
  const { raw, nonce } = await signedTransfer();
  const sent: number[] = [];
  const meanwhile = async () => sent.push(await sentCount());
  proxy.addRule({ method: "eth_sendRawTransaction", fault: { kind: "drop", forward: true, meanwhile } });
  await expect(client().sendRawTransaction({ serializedTransaction: raw })).rejects.toThrow();
  expect(sent).toEqual([nonce + 1]);
});

test("calls in one JSON array each meet their own rule", async () => {
  proxy.addRule({
    method: "eth_gasPrice",
    fault: { kind: "error", code: -32005, message: "limit exceeded" },
  });
  const before = proxy.calls.length;
  const batched = client({ batch: true });
  const answers = await Promise.allSettled([
    batched.getChainId(),
    batched.getGasPrice(),
    batched.getBlockNumber(),
  ]);
  expect(answers.map((answer) => answer.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(proxy.calls.slice(before).map((call) => call.forwarded)).toEqual([1, 0, 1]);
});

test("a cut in a batch leaves the calls after it unforwarded", async () => {
  proxy.addRule({ method: "eth_gasPrice", fault: { kind: "drop", forward: false } });
  const before = proxy.calls.length;
  const batched = client({ batch: true });
  const answers = await Promise.allSettled([
    batched.getChainId(),
    batched.getGasPrice(),
    batched.getBlockNumber(),
  ]);
  expect(answers.every((answer) => answer.status === "rejected")).toBe(true);
  expect(proxy.calls.slice(before).map((call) => call.method)).toEqual(["eth_chainId", "eth_gasPrice"]);
});
