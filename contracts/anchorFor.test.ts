import { encodeFunctionData, type Hex } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { anchorRegistryAbi as abi } from "#protocol/anchorRegistryAbi.ts";
import { startAnvilChain, startHardhatChain } from "#test/support/chains.ts";
import { type DeployedRegistry, deployRegistry, refusalOf, rootNumber } from "./test/deployedRegistry.ts";

const types = {
  Anchor: [
    { name: "publisher", type: "address" },
    { name: "root", type: "bytes32" },
    { name: "leafCount", type: "uint32" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const;

describe.each([
  ["hardhat", startHardhatChain],
  ["anvil", startAnvilChain],
] as const)("protocol §3 anchorFor on %s", (_name, start) => {
  const relayer = 1;
  let registry: DeployedRegistry;
  let publisher: Hex;
  let deadline: bigint;
  let snapshot: Hex;
  beforeAll(async () => {
    registry = await deployRegistry(await start());
    publisher = registry.chain.accounts[0]!.address;
    snapshot = await registry.testClient.snapshot();
  });
  afterAll(() => registry.chain.stop());
  beforeEach(async () => {
    await registry.testClient.revert({ id: snapshot });
    snapshot = await registry.testClient.snapshot();
    deadline = (await registry.publicClient.getBlock()).timestamp + 3600n;
  });

  const sign = (over: { nonce?: bigint; root?: Hex; chainId?: number } = {}) =>
    registry.walletOf(0).signTypedData({
      domain: {
        name: "AnchorRegistry",
        version: "1",
        chainId: over.chainId ?? registry.chain.chainId,
        verifyingContract: registry.address,
      },
      types,
      primaryType: "Anchor",
      message: {
        publisher,
        root: over.root ?? rootNumber(1),
        leafCount: 5,
        nonce: over.nonce ?? 0n,
        deadline,
      },
    });
  const simulate = (signature: Hex, root = rootNumber(1)) =>
    registry.contract.simulate.anchorFor([publisher, root, 5, deadline, signature]);
  const submit = (signature: Hex, root = rootNumber(1)) => {
    const args = [publisher, root, 5, deadline, signature] as const;
    return registry.send(relayer, encodeFunctionData({ abi, functionName: "anchorFor", args }));
  };

  test("a relayer anchors in the name of a publisher who only signs", async () => {
    const sent = await registry.publicClient.getTransactionCount({ address: publisher });
    const receipt = await submit(await sign());
    expect(receipt.logs).toHaveLength(1);
    expect(await registry.contract.read.anchorOf([publisher, rootNumber(1)])).toMatchObject([{}, {}, 5]);
    const relayerAddress = registry.chain.accounts[relayer]!.address;
    expect(await registry.contract.read.anchorOf([relayerAddress, rootNumber(1)])).toEqual([0n, 0n, 0]);
    expect(await registry.contract.read.nonces([publisher])).toBe(1n);
    expect(await registry.publicClient.getTransactionCount({ address: publisher })).toBe(sent);
  });

  test("the domain that wallets show is the one signatures are over", async () => {
    const [, name, version, chainId, verifyingContract] = await registry.contract.read.eip712Domain();
    expect({ name, version, chainId, verifyingContract }).toEqual({
      name: "AnchorRegistry",
      version: "1",
      chainId: BigInt(registry.chain.chainId),
      verifyingContract: registry.address,
    });
  });

  test("sent twice, the second is a repeat: it succeeds, emits nothing and uses up no nonce", async () => {
    const signature = await sign();
    await submit(signature);
    expect(await submit(signature)).toMatchObject({ status: "success", logs: [] });
    expect(await registry.contract.read.nonces([publisher])).toBe(1n);
  });

  test("a used nonce is good for no other root", async () => {
    await submit(await sign());
    const signature = await sign({ root: rootNumber(2), nonce: 0n });
    expect(await refusalOf(simulate(signature, rootNumber(2)))).toEqual({
      errorName: "InvalidAnchorSignature",
      args: [publisher, rootNumber(2), 5, 1n, deadline],
    });
    await submit(await sign({ root: rootNumber(2), nonce: 1n }), rootNumber(2));
    expect(await registry.contract.read.nonces([publisher])).toBe(2n);
  });

  test("a signature for another chain is refused", async () => {
    const signature = await sign({ chainId: 1 });
    expect(await refusalOf(simulate(signature))).toMatchObject({ errorName: "InvalidAnchorSignature" });
  });

  test("a signature for another root is refused", async () => {
    const signature = await sign({ root: rootNumber(2) });
    expect(await refusalOf(simulate(signature))).toMatchObject({ errorName: "InvalidAnchorSignature" });
  });

  test("after its deadline a signature is refused", async () => {
    const signature = await sign();
    await registry.testClient.setNextBlockTimestamp({ timestamp: deadline + 1n });
    await registry.testClient.mine({ blocks: 1 });
    const refusal = await refusalOf(simulate(signature));
    expect(refusal).toMatchObject({ errorName: "DeadlineExpired", args: [deadline, expect.any(BigInt)] });
  });

  test("a publisher with code is asked through ERC-1271, whatever its key signed", async () => {
    const signature = await sign();
    // Answers every call with one word: the magic value of ERC-1271, or zero.
    await registry.testClient.setCode({ address: publisher, bytecode: "0x5f5f5260205ff3" });
    expect(await refusalOf(simulate(signature))).toMatchObject({ errorName: "InvalidAnchorSignature" });
    const magic = "0x7f1626ba7e000000000000000000000000000000000000000000000000000000005f5260205ff3";
    await registry.testClient.setCode({ address: publisher, bytecode: magic });
    expect(await submit("0x")).toMatchObject({ status: "success" });
    expect(await registry.contract.read.nonces([publisher])).toBe(1n);
    await registry.testClient.setCode({ address: publisher, bytecode: "0x" });
  });
});
