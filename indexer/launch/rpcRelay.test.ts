import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startAnvilChain, type TestChain } from "#test/support/chains.ts";
import { deployRegistry, type TestRegistry } from "#test/support/registry.ts";
import { parseChains } from "../chainSettings.ts";
import { type RpcRelay, startRpcRelay } from "./rpcRelay.ts";

let chain: TestChain;
let registry: TestRegistry;
let relay: RpcRelay;

beforeAll(async () => {
  chain = await startAnvilChain({ mining: "auto" });
  registry = await deployRegistry(chain);
  relay = await startRelay(chain.rpcUrl);
});
afterAll(async () => {
  await relay.close();
  await chain.stop();
});

async function startRelay(...rpcUrl: string[]): Promise<RpcRelay> {
  const [settings] = parseChains(
    JSON.stringify([
      { chainId: 31337, rpcUrl, contractAddress: registry.address, disposable: rpcUrl.length === 1 },
    ]),
  );
  return startRpcRelay(settings!);
}

async function call(url: string, method: string, params: unknown[]) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 7, method, params }),
  });
  return { status: response.status, body: response.ok ? await response.json() : undefined };
}

test("requests and answers pass through unchanged", async () => {
  const { receipt } = await registry.anchor();
  const params = [{ blockHash: receipt.blockHash }];
  const direct = await call(chain.rpcUrl, "eth_getLogs", params);
  expect(direct.body.result).toHaveLength(1);
  for (const url of relay.urls) expect(await call(url, "eth_getLogs", params)).toEqual(direct);
});

test("logs of a block that a reorganisation took away are refused for good", async () => {
  const snapshot = await registry.testClient.snapshot();
  const { receipt } = await registry.anchor();
  await registry.testClient.revert({ id: snapshot });
  const params = [{ blockHash: receipt.blockHash }];
  expect((await call(chain.rpcUrl, "eth_getLogs", params)).body.error.code).not.toBe(-32601);
  expect((await call(relay.urls[0]!, "eth_getLogs", params)).body).toMatchObject({
    id: 7,
    error: { code: -32601 },
  });
});

test("another error of the endpoint stays what it is", async () => {
  const params = [{ fromBlock: "0x5", toBlock: "nonsense" }];
  const direct = await call(chain.rpcUrl, "eth_getLogs", params);
  expect(direct.body.error).toBeDefined();
  expect(await call(relay.urls[0]!, "eth_getLogs", params)).toEqual(direct);
});

test("an endpoint that is down is a 502, which Ponder repeats, and the next endpoint has a URL of its own", async () => {
  const two = await startRelay("http://127.0.0.1:1", chain.rpcUrl);
  expect(two.urls).toHaveLength(2);
  expect((await call(two.urls[0]!, "eth_chainId", [])).status).toBe(502);
  expect((await call(two.urls[1]!, "eth_chainId", [])).body.result).toBe("0x7a69");
  await two.close();
});

test("user and password of an endpoint's URL reach it as a header", async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end('{"jsonrpc":"2.0","id":7,"result":"0x1"}');
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const guarded = await startRelay(`http://user:p%40ss@127.0.0.1:${port}/path`);
  expect((await call(guarded.urls[0]!, "eth_chainId", [])).body.result).toBe("0x1");
  expect(seen).toEqual([`Basic ${Buffer.from("user:p@ss").toString("base64")}`]);
  await guarded.close();
  server.close();
});
