import { expect, test } from "vitest";
import { parseChain, parseChains } from "./chainSettings.ts";

const chain = { chainId: 8453, rpcUrl: "https://rpc.example", contractAddress: `0x${"Ab".repeat(20)}` };

test("what is not given has its default", () => {
  const { rpcUrl, ...rest } = chain;
  expect(parseChains(JSON.stringify([chain]))).toEqual([
    { ...rest, rpcUrls: [rpcUrl], startBlock: 0, pollingIntervalMs: 1_000, disposable: false },
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

test("HA-17 no setting is no chain: those of the database are indexed then", () => {
  expect(parseChains(undefined)).toEqual([]);
  expect(parseChains("[]")).toEqual([]);
});

test("HA-17 a disposable chain is read from its first block on, another from the contract's", () => {
  for (const read of [parseChain, (one: object) => parseChains(JSON.stringify([one]))[0]]) {
    expect(read({ ...chain, startBlock: 7 })).toMatchObject({ startBlock: 7, disposable: false });
    expect(read({ ...chain, chainId: 31337, startBlock: 7 })).toMatchObject({ startBlock: 0 });
  }
  expect(() => parseChain({ ...chain, rpcUrl: "secret" })).toThrow(/^(?!.*secret)/s);
});

test.each([
  ["no JSON", "{"],
  ["an address that is none", JSON.stringify([{ ...chain, contractAddress: "0x12" }])],
  ["no URL", JSON.stringify([{ ...chain, rpcUrl: [] }])],
  ["a chain twice", JSON.stringify([chain, chain])],
])("%s is refused", (_what, json) => {
  expect(() => parseChains(json)).toThrow("INDEXER_CHAINS: ");
});
