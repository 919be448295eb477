import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { deployRegistry, type TestRegistry } from "#test/support/registry.ts";
import type { RpcFault } from "#test/support/rpcFault.ts";
import { type RpcProxy, startRpcProxy } from "#test/support/rpcProxy.ts";
import { createChainReader } from "./chainReader.ts";

let chain: TestChain;
let registry: TestRegistry;
let rpc: RpcProxy;

beforeAll(async () => {
  chain = await startHardhatChain();
  registry = await deployRegistry(chain);
});
afterAll(() => chain?.stop());
beforeEach(async () => {
  rpc = await startRpcProxy({ target: chain.rpcUrl });
});
afterEach(() => rpc.stop());

const heads = () =>
  createChainReader(
    { rpcUrl: rpc.url, contractAddress: Buffer.from(registry.address.slice(2), "hex") },
    2_000,
  ).heads();

describe("the chain's heads", () => {
  test("are those of its tags", async () => {
    const { latest, safe, finalized } = await heads();
    expect({ safe, finalized }).toEqual({ safe: latest, finalized: latest });
  });

  /** Of the calls for blocks: latest, safe and finalized, in whatever order they arrive. */
  const tagsFail = (fault: RpcFault) => {
    rpc.onCall(({ params }) => {
      if (params[0] !== "latest") rpc.addRule({ method: "eth_getBlockByNumber", fault });
    });
  };

  test.each<[string, RpcFault]>([
    ["answers an error of its own", { kind: "error", code: -32603, message: "internal error" }],
    ["limits its callers", { kind: "error", code: -32005, message: "limit exceeded" }],
    ["breaks off", { kind: "drop", forward: false }],
  ])("are not known for a tag when the node %s", async (_what, fault) => {
    tagsFail(fault);
    expect(await heads()).toMatchObject({ safe: undefined, finalized: undefined });
  });

  test("are none for a tag that the node says it does not know", async () => {
    tagsFail({ kind: "error", code: -39001, message: "unknown block" });
    expect(await heads()).toMatchObject({ safe: null, finalized: null });
  });
});
