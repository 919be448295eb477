import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { MerkleTree as MerkleTreeJs } from "merkletreejs";
import { beforeAll, describe, expect, test } from "vitest";
import { LeafIndexOutOfRangeError } from "./merklePath.ts";
import { siblingsInTiles, TilesDoNotMeetError, type TileTree, tilesOfPath } from "./merkleTiles.ts";
import { buildTree, loadKeccak, type MerkleTree, type ProofNode, pathOf } from "./merkleTree.ts";

const NODE_BYTES = 32;

beforeAll(loadKeccak);

describe("protocol §2: a path put together from the tiles of a stored tree is merkletreejs'", () => {
  test("for every leaf of every size from 1 to 300", () => {
    for (let leafCount = 1; leafCount <= 300; leafCount++) {
      const leaves = randomLeaves(leafCount);
      const tree = buildTree(leaves);
      const oracle = oracleOf(leaves);
      for (let leafIndex = 0; leafIndex < leafCount; leafIndex++)
        expectPath(pathFromTiles(tree, leafIndex), oracle.getProof(leafAt(leaves, leafIndex), leafIndex));
    }
  });

  test("for the first, the last and other leaves of large trees, also one more and one less than whole tiles have", () => {
    const random = Array.from({ length: 3 }, () => 2_000 + Math.floor(Math.random() * 40_000));
    for (const leafCount of [511, 512, 513, 8 * 64 * 64 - 1, 8 * 64 * 64, 8 * 64 * 64 + 1, ...random]) {
      const leaves = randomLeaves(leafCount);
      const tree = buildTree(leaves);
      const oracle = oracleOf(leaves);
      const others = Array.from({ length: 20 }, () => Math.floor(Math.random() * leafCount));
      for (const leafIndex of [0, leafCount - 1, ...others])
        expectPath(pathFromTiles(tree, leafIndex), oracle.getProof(leafAt(leaves, leafIndex), leafIndex));
    }
  }, 60_000);
});

test("protocol §2: tiles are few, bounded slices that lie within one level, for every possible tree", () => {
  const places = fc
    .integer({ min: 1, max: 2 ** 32 - 1 })
    .chain((leafCount) => fc.tuple(fc.constant(leafCount), fc.integer({ min: 0, max: leafCount - 1 })));
  fc.assert(
    fc.property(places, ([leafCount, leafIndex]) => {
      const [leafTile, ...upper] = tilesOfPath(leafCount, leafIndex);
      expect(leafTile.offset + leafTile.index).toBe(leafIndex);
      expect(leafTile.nodeCount).toBeLessThanOrEqual(8);
      expect(leafTile.offset + leafTile.nodeCount).toBeLessThanOrEqual(leafCount);
      expect(upper.length).toBeLessThanOrEqual(5);
      for (const { nodeCount, index } of upper) {
        expect(nodeCount).toBeLessThanOrEqual(64);
        expect(index).toBeLessThan(nodeCount);
      }
      // As many siblings as the leaf's level has nodes beside it on the way up (see pathOf).
      expect(upper.every(({ offset }) => offset >= leafCount)).toBe(true);
    }),
  );
});

test("tiles of another tree, or of another place, do not meet", () => {
  const tree = buildTree(randomLeaves(1_000));
  const leafIndex = 777;
  const tiles = tileTrees(tree, leafIndex);
  const other = tileTrees(buildTree(randomLeaves(1_000)), leafIndex);
  expect(pathFromTiles(tree, leafIndex)).toEqual(pathOf(tree, leafIndex));
  for (let place = 0; place < tiles.length; place++) {
    const mixed = tiles.with(place, other[place]!);
    expect(() => siblingsInTiles(mixed, tree.root)).toThrow(TilesDoNotMeetError);
  }
  expect(() => siblingsInTiles(tiles, randomLeaves(1))).toThrow(TilesDoNotMeetError);
  const [leafTile, top] = [tiles[0]!, tiles[1]!];
  expect(() =>
    siblingsInTiles([leafTile, { ...top, index: top.index - 1 }, ...tiles.slice(2)], tree.root),
  ).toThrow(TilesDoNotMeetError);
});

test("positions that are not there are refused", () => {
  for (const leafIndex of [-1, 4, 0.5, Number.NaN])
    expect(() => tilesOfPath(4, leafIndex)).toThrow(LeafIndexOutOfRangeError);
});

function pathFromTiles(tree: MerkleTree, leafIndex: number): ProofNode[] {
  return siblingsInTiles(tileTrees(tree, leafIndex), tree.root).map(({ nodes, offset, position }) => ({
    position,
    data: nodes.slice(offset * NODE_BYTES, (offset + 1) * NODE_BYTES),
  }));
}

/** As a reader of the stored nodes would: one slice for each tile. */
function tileTrees({ nodes, leafCount }: MerkleTree, leafIndex: number): TileTree[] {
  return tilesOfPath(leafCount, leafIndex).map(({ offset, nodeCount, index }) => ({
    tree: buildTree(nodes.slice(offset * NODE_BYTES, (offset + nodeCount) * NODE_BYTES)),
    index,
  }));
}

function expectPath(actual: ProofNode[], expected: { position: "left" | "right"; data: Buffer }[]): void {
  const isEqual =
    actual.length === expected.length &&
    actual.every(
      ({ position, data }, i) => position === expected[i]!.position && expected[i]!.data.equals(data),
    );
  if (!isEqual) expect(actual).toEqual(expected);
}

function oracleOf(leaves: Uint8Array): MerkleTreeJs {
  const list = Array.from({ length: leaves.length / NODE_BYTES }, (_, i) => leafAt(leaves, i));
  return new MerkleTreeJs(list, (bytes: Buffer) => Buffer.from(keccak_256(bytes)), { sortPairs: true });
}

function leafAt(leaves: Uint8Array, leafIndex: number): Buffer {
  return Buffer.from(leaves.slice(leafIndex * NODE_BYTES, (leafIndex + 1) * NODE_BYTES));
}

function randomLeaves(leafCount: number): Uint8Array {
  const leaves = new Uint8Array(leafCount * NODE_BYTES);
  for (let i = 0; i < leaves.length; i += 65_536) crypto.getRandomValues(leaves.subarray(i, i + 65_536));
  return leaves;
}
