import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { MerkleTree as MerkleTreeJs } from "merkletreejs";
import { beforeAll, describe, expect, test } from "vitest";
import { bytesToHex, InvalidLengthError } from "./bytes.ts";
import { expectedPathLength, expectedPositions, LeafIndexOutOfRangeError, rootOf } from "./merklePath.ts";
import { buildTree, loadKeccak, pathOf, proofNodeOffsets } from "./merkleTree.ts";

beforeAll(loadKeccak);

describe("protocol §2: the tree is merkletreejs { sortPairs: true } over keccak256 and raw leaves", () => {
  test("for every size from 1 to 300, root and every path", () => {
    for (let leafCount = 1; leafCount <= 300; leafCount++)
      expectEqualToOracle(randomLeaves(leafCount), leafCount);
  });

  test("for large random sizes", () => {
    for (let i = 0; i < 3; i++)
      expectEqualToOracle(randomLeaves(2_000 + Math.floor(Math.random() * 20_000)), 40);
  });

  test("for equal, ascending and descending neighbours", () => {
    const ascending = Uint8Array.from({ length: 9 * 32 }, (_, i) => Math.floor(i / 32));
    expectEqualToOracle(ascending, 9);
    expectEqualToOracle(ascending.toReversed(), 9);
    expectEqualToOracle(new Uint8Array(7 * 32).fill(5), 0);
  });
});

test("protocol §2: one leaf is its own root, with an empty proof", () => {
  const leaf = randomLeaves(1);
  const tree = buildTree(leaf);
  expect(tree.root).toEqual(leaf);
  expect(pathOf(tree, 0)).toEqual([]);
});

test("protocol §2: every path has the length that leafCount and leafIndex demand, and leads to the root", () => {
  const sizeAndIndex = fc
    .integer({ min: 1, max: 600 })
    .chain((leafCount) => fc.tuple(fc.constant(leafCount), fc.integer({ min: 0, max: leafCount - 1 })));
  fc.assert(
    fc.property(sizeAndIndex, ([leafCount, leafIndex]) => {
      const leaves = randomLeaves(leafCount);
      const tree = buildTree(leaves);
      const path = pathOf(tree, leafIndex).map(({ data }) => data);
      const positions = pathOf(tree, leafIndex).map(({ position }) => position);
      expect(path).toHaveLength(expectedPathLength(leafCount, leafIndex));
      expect(positions).toEqual(expectedPositions(leafCount, leafIndex));
      expect(rootOf(leafAt(leaves, leafIndex), path)).toEqual(tree.root);
    }),
  );
});

test("protocol §2: an inner node that poses as a leaf leads to the root, and its path length gives it away", () => {
  const leafCount = 8;
  const tree = buildTree(randomLeaves(leafCount));
  const innerNode = tree.nodes.slice(leafCount * 32, (leafCount + 1) * 32);
  const forgedPath = pathOf(tree, 0)
    .slice(1)
    .map(({ data }) => data);
  expect(rootOf(innerNode, forgedPath)).toEqual(tree.root);
  for (let leafIndex = 0; leafIndex < leafCount; leafIndex++) {
    expect(expectedPathLength(leafCount, leafIndex)).not.toBe(forgedPath.length);
  }
});

test("proofNodeOffsets stay inside the stored tree, and the root is its last node", () => {
  for (const leafCount of [1, 2, 3, 5, 8, 100, 257, 1_000]) {
    const { nodes, root } = buildTree(randomLeaves(leafCount));
    expect(nodes.slice(-32)).toEqual(root);
    expect(nodes.length).toBeLessThanOrEqual(64 * leafCount + 32 * 33);
    for (let leafIndex = 0; leafIndex < leafCount; leafIndex++) {
      for (const { offset } of proofNodeOffsets(leafCount, leafIndex))
        expect(offset).toBeLessThan(nodes.length / 32 - 1);
    }
  }
});

test("the path length of the largest tree is counted without overflow", () => {
  expect(expectedPathLength(2 ** 32 - 1, 0)).toBe(32);
  expect(expectedPathLength(2 ** 31 + 1, 2 ** 31)).toBe(1);
});

test("leaves that are not whole, and positions that are not there, are refused", () => {
  for (const length of [0, 31, 33, 65])
    expect(() => buildTree(new Uint8Array(length))).toThrow(InvalidLengthError);
  for (const leafIndex of [-1, 4, 0.5, Number.NaN]) {
    expect(() => proofNodeOffsets(4, leafIndex)).toThrow(LeafIndexOutOfRangeError);
    expect(() => expectedPathLength(4, leafIndex)).toThrow(LeafIndexOutOfRangeError);
  }
  expect(() => rootOf(new Uint8Array(31), [])).toThrow(InvalidLengthError);
  expect(() => rootOf(new Uint8Array(32), [new Uint8Array(33)])).toThrow(InvalidLengthError);
});

test("the tree keeps no reference to the given leaves", () => {
  const leaves = randomLeaves(3);
  const tree = buildTree(leaves);
  const before = bytesToHex(tree.nodes);
  leaves.fill(0);
  expect(bytesToHex(tree.nodes)).toBe(before);
});

function expectEqualToOracle(leaves: Uint8Array, pathsMax: number): void {
  const leafCount = leaves.length / 32;
  const tree = buildTree(leaves);
  const oracle = oracleOf(leaves);
  expect(bytesToHex(tree.root)).toBe(oracle.getHexRoot());
  const step = Math.max(1, Math.floor(leafCount / Math.max(1, pathsMax)));
  for (let leafIndex = 0; pathsMax > 0 && leafIndex < leafCount; leafIndex += step) {
    const expected = oracle.getProof(Buffer.from(leafAt(leaves, leafIndex)), leafIndex);
    const actual = pathOf(tree, leafIndex);
    const isEqual =
      actual.length === expected.length &&
      actual.every(
        ({ position, data }, i) => position === expected[i]!.position && expected[i]!.data.equals(data),
      );
    if (!isEqual) expect(actual).toEqual(expected);
  }
}

function oracleOf(leaves: Uint8Array): MerkleTreeJs {
  const list = Array.from({ length: leaves.length / 32 }, (_, i) => Buffer.from(leafAt(leaves, i)));
  return new MerkleTreeJs(list, (bytes: Buffer) => Buffer.from(keccak_256(bytes)), { sortPairs: true });
}

function leafAt(leaves: Uint8Array, leafIndex: number): Uint8Array {
  return leaves.slice(leafIndex * 32, (leafIndex + 1) * 32);
}

function randomLeaves(leafCount: number): Uint8Array {
  const leaves = new Uint8Array(leafCount * 32);
  for (let i = 0; i < leaves.length; i += 65_536) crypto.getRandomValues(leaves.subarray(i, i + 65_536));
  return leaves;
}
