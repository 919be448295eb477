import { encodeFunctionData } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anchorRegistryAbi as abi } from "#protocol/anchorRegistryAbi.ts";
import { startAnvilChain, startHardhatChain } from "#test/support/chains.ts";
import { type DeployedRegistry, deployRegistry, rootNumber } from "./test/deployedRegistry.ts";

describe.each([
  ["hardhat", startHardhatChain],
  ["anvil", startAnvilChain],
] as const)("protocol §3 gas of whole transactions on %s", (_name, start) => {
  let registry: DeployedRegistry;
  beforeAll(async () => {
    registry = await deployRegistry(await start());
    await anchorGas(1);
  });
  afterAll(() => registry.chain.stop());

  const batch = (number: number) => ({ root: rootNumber(number), leafCount: 1000 });
  const anchorGas = async (number: number) => {
    const { root, leafCount } = batch(number);
    const data = encodeFunctionData({ abi, functionName: "anchor", args: [root, leafCount] });
    return Number((await registry.send(0, data)).gasUsed);
  };
  const anchorManyGas = async (first: number, count: number) => {
    const batches = Array.from({ length: count }, (_, i) => batch(first + i));
    const data = encodeFunctionData({ abi, functionName: "anchorMany", args: [batches] });
    return Number((await registry.send(0, data)).gasUsed);
  };

  test("an anchor takes at most 54,000, a repeat less than 28,000, a further root at most 28,000", async () => {
    const anchor = await anchorGas(2);
    const repeat = await anchorGas(2);
    const one = await anchorManyGas(100, 1);
    const furtherRoot = ((await anchorManyGas(200, 101)) - one) / 100;
    expect(anchor).toBeLessThanOrEqual(54_000);
    expect(repeat).toBeLessThan(28_000);
    expect(furtherRoot).toBeLessThanOrEqual(28_000);
    // What they take now; a change that makes them dearer has to say so here.
    expect({ anchor, repeat, anchorManyOfOne: one }).toMatchInlineSnapshot(`
      {
        "anchor": 51989,
        "anchorManyOfOne": 52713,
        "repeat": 26531,
      }
    `);
    expect(Math.round(furtherRoot)).toMatchInlineSnapshot(`25839`);
  });
});
