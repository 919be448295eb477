import { encodeFunctionData, type Hex, parseEventLogs, zeroHash } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { replayHead } from "#protocol/anchorHead.ts";
import { anchorRegistryAbi as abi } from "#protocol/anchorRegistryAbi.ts";
import { startAnvilChain, startHardhatChain } from "#test/support/chains.ts";
import { type DeployedRegistry, deployRegistry, refusalOf, rootNumber } from "./test/deployedRegistry.ts";

describe.each([
  ["hardhat", startHardhatChain],
  ["anvil", startAnvilChain],
] as const)("protocol §3 on %s", (_name, start) => {
  let registry: DeployedRegistry;
  beforeAll(async () => {
    registry = await deployRegistry(await start());
  });
  afterAll(() => registry.chain.stop());

  const anchor = (account: number, root: Hex, leafCount: number) =>
    registry.send(account, encodeFunctionData({ abi, functionName: "anchor", args: [root, leafCount] }));
  const publisherOf = (account: number) => registry.chain.accounts[account]!.address;

  test("an anchor is stored and emitted with the block it is in", async () => {
    const receipt = await anchor(0, rootNumber(1), 1000);
    const block = await registry.publicClient.getBlock({ blockNumber: receipt.blockNumber });
    const stored = await registry.contract.read.anchorOf([publisherOf(0), rootNumber(1)]);
    expect(stored).toEqual([block.number, block.timestamp, 1000]);
    const [event, ...others] = parseEventLogs({ abi, logs: receipt.logs });
    const head = await registry.contract.read.head([publisherOf(0)]);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      eventName: "Anchored",
      args: { publisher: publisherOf(0), root: rootNumber(1), leafCount: 1000, head },
    });
  });

  test("an exact repeat succeeds, emits nothing and changes nothing", async () => {
    await anchor(1, rootNumber(1), 7);
    await anchor(1, rootNumber(2), 7);
    const args = [publisherOf(1), rootNumber(1)] as const;
    const stored = await registry.contract.read.anchorOf(args);
    const head = await registry.contract.read.head([publisherOf(1)]);
    const receipt = await anchor(1, rootNumber(1), 7);
    expect(receipt).toMatchObject({ status: "success", logs: [] });
    expect(await registry.contract.read.anchorOf(args)).toEqual(stored);
    expect(await registry.contract.read.head([publisherOf(1)])).toBe(head);
    const { result } = await registry.contract.simulate.anchor([rootNumber(1), 7], {
      account: publisherOf(1),
    });
    expect(result).toBe(head);
  });

  test("a refusal carries the offending values", async () => {
    await anchor(2, rootNumber(1), 7);
    const options = { account: publisherOf(2) };
    const { simulate } = registry.contract;
    expect(await refusalOf(simulate.anchor([rootNumber(1), 8], options))).toEqual({
      errorName: "AnchorMismatch",
      args: [rootNumber(1), 7, 8],
    });
    expect(await refusalOf(simulate.anchor([zeroHash, 8], options))).toEqual({
      errorName: "ZeroRoot",
      args: [8],
    });
    expect(await refusalOf(simulate.anchor([rootNumber(2), 0], options))).toEqual({
      errorName: "ZeroLeafCount",
      args: [rootNumber(2)],
    });
  });

  test("replaying the events gives the head on chain, and leaving one out does not", async () => {
    for (const number of [1, 2, 3]) await anchor(3, rootNumber(number), number);
    const batches = [3, 4, 4, 5].map((number) => ({ root: rootNumber(number), leafCount: number }));
    await registry.send(3, encodeFunctionData({ abi, functionName: "anchorMany", args: [batches] }));
    await anchor(4, rootNumber(6), 6);
    const events = await registry.contract.getEvents.Anchored(
      { publisher: publisherOf(3) },
      { fromBlock: 0n },
    );
    const links = await Promise.all(
      events.map(async ({ args, blockNumber }) => {
        const { timestamp } = await registry.publicClient.getBlock({ blockNumber });
        return { root: args.root!, leafCount: args.leafCount!, blockTimestamp: timestamp };
      }),
    );
    const head = await registry.contract.read.head([publisherOf(3)]);
    expect(links).toHaveLength(5);
    expect(replayHead(links)).toBe(head);
    for (const left of links.keys()) expect(replayHead(links.toSpliced(left, 1))).not.toBe(head);
  });

  test("anchorMany is all or nothing", async () => {
    const batches = [
      { root: rootNumber(1), leafCount: 1 },
      { root: rootNumber(1), leafCount: 2 },
    ];
    const { simulate, read } = registry.contract;
    const refusal = await refusalOf(simulate.anchorMany([batches], { account: publisherOf(5) }));
    expect(refusal).toEqual({ errorName: "AnchorMismatch", args: [rootNumber(1), 1, 2] });
    const data = encodeFunctionData({ abi, functionName: "anchorMany", args: [batches] });
    const wallet = registry.walletOf(5);
    const hash = await wallet.sendTransaction({ chain: null, to: registry.address, data, gas: 200_000n });
    expect(await registry.publicClient.waitForTransactionReceipt({ hash })).toMatchObject({
      status: "reverted",
    });
    expect(await read.anchorOf([publisherOf(5), rootNumber(1)])).toEqual([0n, 0n, 0]);
    expect(await read.head([publisherOf(5)])).toBe(zeroHash);
  });
});
