import { requireLeafIndex } from "./merklePath.ts";
import { type MerkleTree, type ProofNodeOffset, proofNodeOffsets } from "./merkleTree.ts";

/** A leaf tile has up to 2³ leaves: 256 bytes and 7 hashes for a path's lowest part. */
const LEAF_TILE_LEVELS = 3;
/** A tile above has up to 2⁶ nodes; the tree over them has 4 KiB. */
const UPPER_TILE_LEVELS = 6;

export const LEAF_TILE_LEAVES = 2 ** LEAF_TILE_LEVELS;

/**
 * Up to 2ᵏ neighbouring nodes of one level of a tree, the first at a multiple of 2ᵏ. The nodes above them follow from them, up
 * to a single one, which is a node of the next tile or the tree's root.
 */
export type Tile = {
  /** Counts nodes of 32 bytes from the start of `MerkleTree.nodes`. */
  offset: number;
  nodeCount: number;
  /** Which of the tile's nodes the path leads through. */
  index: number;
};

/** The tree over a tile's nodes, and which of them the path leads through. */
export type TileTree = { tree: MerkleTree; index: number };

/** Tiles do not lead from one to the next, or not to the root: they are not of one tree. */
export class TilesDoNotMeetError extends Error {
  override readonly name = "TilesDoNotMeetError";

  constructor(tile: number) {
    super(`the root of tile ${tile} of the path is not where the path leads`);
  }
}

/**
 * The tiles that a leaf's path leads through, from the leaf upwards; each can be read from a stored tree as one slice.
 * Source: the tiles of transparency logs (https://c2sp.org/tlog-tiles), with lower ones at the leaves.
 * @throws {LeafIndexOutOfRangeError} unless 0 ≤ leafIndex < leafCount.
 */
export function tilesOfPath(leafCount: number, leafIndex: number): [Tile, ...Tile[]] {
  requireLeafIndex(leafCount, leafIndex);
  const tileAt = (level: number, size: number, node: number, levels: number): Tile => {
    const index = node % 2 ** levels;
    const first = node - index;
    return { offset: level + first, nodeCount: Math.min(2 ** levels, size - first), index };
  };
  const tiles: [Tile, ...Tile[]] = [tileAt(0, leafCount, leafIndex, LEAF_TILE_LEVELS)];
  let level = 0;
  let size = leafCount;
  let node = leafIndex;
  let levels = LEAF_TILE_LEVELS;
  while (size > 2 ** levels) {
    for (let i = 0; i < levels; i++) {
      level += size;
      size = Math.ceil(size / 2);
    }
    node = Math.floor(node / 2 ** levels);
    levels = UPPER_TILE_LEVELS;
    tiles.push(tileAt(level, size, node, levels));
  }
  return tiles;
}

/** Where a sibling stands: `offset` counts nodes of 32 bytes from the start of `nodes`. */
export type PlacedSibling = ProofNodeOffset & { nodes: Uint8Array };

/**
 * Where the siblings of a leaf stand in its path's tiles, from the leaf upwards: the same nodes as pathOf the whole tree.
 * @param tiles as tilesOfPath names them, each with buildTree over its nodes.
 * @param root 32 bytes.
 * @throws {TilesDoNotMeetError} unless the tiles lead from one to the next and to the root.
 */
export function siblingsInTiles(tiles: readonly TileTree[], root: Uint8Array): PlacedSibling[] {
  const siblings: PlacedSibling[] = [];
  for (const [place, { tree, index }] of tiles.entries()) {
    const next = tiles[place + 1];
    if (!isNodeAt(tree.root, next?.tree.nodes ?? root, next?.index ?? 0))
      throw new TilesDoNotMeetError(place);
    for (const { offset, position } of proofNodeOffsets(tree.leafCount, index))
      siblings.push({ nodes: tree.nodes, offset, position });
  }
  return siblings;
}

function isNodeAt(node: Uint8Array, nodes: Uint8Array, index: number): boolean {
  const start = index * node.length;
  for (let i = 0; i < node.length; i++) if (node[i] !== nodes[start + i]) return false;
  return true;
}
