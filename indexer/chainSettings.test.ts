import { expect, test } from "vitest";
import { parseChains } from "./chainSettings.ts";

const chain = { chainId: 8453, rpcUrl: "https://rpc.example", contractAddress: `0x${"Ab".repeat(20)}` };

test("what is not given has its default", () => {
  expect(parseChains(JSON.stringify([chain]))).toEqual([
    { ...chain, rpcUrls: [chain.rpcUrl], startBlock: 0, pollingIntervalMs: 1_000, disposable: false },
  ]);
  const [local] = parseChains(JSON.stringify([{ ...chain, chainId: 31337 }]));
  expect(local?.disposable).toBe(true);
});

test("chains come in the order of their ids, so that the same chains are always the same index", () => {
  const ids = parseChains(
    JSON.stringify([
      { ...chain, chainId: 10 },
      { ...chain, chainId: 1 },
    ]),
  );
  expect(ids.map(({ chainId }) => chainId)).toEqual([1, 10]);
});

test.each([
  ["nothing", undefined],
  ["no chain", "[]"],
  ["no JSON", "{"],
  ["an address that is none", JSON.stringify([{ ...chain, contractAddress: "0x12" }])],
  ["no URL", JSON.stringify([{ ...chain, rpcUrl: [] }])],
  ["a chain twice", JSON.stringify([chain, chain])],
])("%s is refused", (_what, json) => {
  expect(() => parseChains(json)).toThrow();
});
