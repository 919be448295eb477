import { MerkleTree } from "merkletreejs";
import { bytesToHex, encodeFunctionData, type Hex, hexToBytes, keccak256 } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anchorRegistryAbi as abi } from "#protocol/anchorRegistryAbi.ts";
import { expectedPathLength } from "#protocol/merklePath.ts";
import { startAnvilChain } from "#test/support/chains.ts";
import { type DeployedRegistry, deployRegistry, rootNumber } from "./test/deployedRegistry.ts";

describe("protocol §2: trees", () => {
  let registry: DeployedRegistry;
  let publisher: Hex;
  beforeAll(async () => {
    registry = await deployRegistry(await startAnvilChain());
    publisher = registry.chain.accounts[0]!.address;
  });
  afterAll(() => registry.chain.stop());

  const anchor = ({ root, leafCount }: { root: Hex; leafCount: number }) =>
    registry.send(0, encodeFunctionData({ abi, functionName: "anchor", args: [root, leafCount] }));
  const verify = (root: Hex, leaf: Hex, path: readonly Hex[]) =>
    registry.contract.read.verify([publisher, root, leaf, path]);

  test.each([1, 2, 3, 5, 8, 13])(
    "the contract verifies merkletreejs' proofs of %i leaves",
    async (leafCount) => {
      const tree = treeOf(leafCount);
      await anchor(tree);
      for (const [leafIndex, leaf] of tree.leaves.entries()) {
        const path = tree.pathOf(leafIndex);
        expect(await verify(tree.root, leaf, path)).toBe(true);
        expect(path).toHaveLength(expectedPathLength(leafCount, leafIndex));
        expect(await verify(tree.root, rootNumber(999), path)).toBe(false);
      }
    },
  );

  test("second preimage: an inner node poses as a leaf, and only the path length gives it away", async () => {
    const tree = treeOf(4);
    await anchor(tree);
    const [, inner] = tree.layers;
    const forged = { leaf: inner![0]!, path: [inner![1]!] };
    expect(tree.leaves).not.toContain(forged.leaf);
    expect(await verify(tree.root, forged.leaf, forged.path)).toBe(true);
    for (const leafIndex of [0, 1, 2, 3]) {
      expect(forged.path).not.toHaveLength(expectedPathLength(4, leafIndex));
    }
  });

  test("second preimage: beside a promoted leaf the length fits, so the leafIndex must come from the signature", async () => {
    const tree = treeOf(5);
    await anchor(tree);
    const forged = { leaf: tree.layers[2]![0]!, path: [tree.leaves[4]!] };
    expect(await verify(tree.root, forged.leaf, forged.path)).toBe(true);
    // Leaf 4 was promoted twice: its genuine path is the forged leaf, and the forged path is leaf 4.
    expect(tree.pathOf(4)).toEqual([forged.leaf]);
    const passing = [0, 1, 2, 3, 4].filter(
      (leafIndex) => expectedPathLength(5, leafIndex) === forged.path.length,
    );
    expect(passing).toEqual([4]);
  });
});

/** merkletreejs as the second opinion: sorted pairs, odd node promoted. */
function treeOf(leafCount: number) {
  const leaves = Array.from({ length: leafCount }, (_, number) => rootNumber(number));
  const toBuffer = (hex: Hex) => Buffer.from(hexToBytes(hex));
  const hash = (node: Buffer) => toBuffer(keccak256(node));
  const tree = new MerkleTree(leaves.map(toBuffer), hash, { sortPairs: true });
  const pathOf = (leafIndex: number) =>
    tree.getProof(toBuffer(leaves[leafIndex]!), leafIndex).map(({ data }) => bytesToHex(data));
  const layers = tree.getLayers().map((layer) => layer.map((node) => bytesToHex(node)));
  return { root: bytesToHex(tree.getRoot()), leafCount, leaves, layers, pathOf };
}
