import { LRUCache } from "lru-cache";
import type { Hex } from "#protocol/bytes.ts";
import { siblingsInTiles, type Tile, type TileTree, tilesOfPath } from "#protocol/merkleTiles.ts";
import { buildTree, loadKeccak, type MerkleTree } from "#protocol/merkleTree.ts";
import type { ReceiptProofStep } from "#protocol/receipt.ts";
import { arrayLiteral } from "../db/arrayLiteral.ts";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";
import { bufferOver } from "../db/schema.ts";

/** `leafTile`: the stored nodes from the beginning of the leaf's tile on, 32 bytes each; more than the tile has are left alone. */
export type PathWanted = {
  batchId: string;
  root: Hex;
  leafCount: number;
  leafIndex: number;
  leafTile: Uint8Array;
};

type StoredTile = Tile & { batchId: string; leafCount: number };

const NODE_BYTES = 32;
/** Of at most 127 nodes each, with all around them 4.3 kB: 70 MB, for a fifth of random reads among 80 million leaves and all among 7 million. */
const TILES_REMEMBERED_MAX = 16_384;

// substr on an uncompressed out-of-line value reads just the slice.
const READ_TILES = `
  SELECT wanted.place::int, substr(t.nodes, wanted.start, wanted.length) AS nodes
  FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[]) WITH ORDINALITY AS wanted (batch_id, leaf_count, start, length, place)
  JOIN app.batches b ON b.id = wanted.batch_id AND b.leaf_count = wanted.leaf_count
  JOIN app.batch_trees t ON t.batch_id = wanted.batch_id`;

/**
 * Reads Merkle paths: the tiles above a leaf's own are read once and remembered. A batch's leaves never change but for filler
 * leaves that are appended, so its id and leafCount name one tree for ever; and no path is answered that does not lead to the root.
 * Null for a batch that has another leafCount by now.
 * @throws {TilesDoNotMeetError} when what is stored, or was remembered, is not the tree of that root.
 */
export function createPathReader({
  pool,
}: Database): (wanted: PathWanted) => Promise<ReceiptProofStep[] | null> {
  const remembered = new LRUCache<string, MerkleTree>({ max: TILES_REMEMBERED_MAX });

  const readNodes = groupCalls(
    async (wanted: StoredTile[]) => {
      const values = [
        arrayLiteral(wanted.map(({ batchId }) => batchId)),
        arrayLiteral(wanted.map(({ leafCount }) => leafCount)),
        arrayLiteral(wanted.map(({ offset }) => offset * NODE_BYTES + 1)),
        arrayLiteral(wanted.map(({ nodeCount }) => nodeCount * NODE_BYTES)),
      ];
      const { rows } = await pool.query<{ place: number; nodes: Buffer }>({
        name: "read-tiles",
        text: READ_TILES,
        values,
      });
      const read: (Buffer | null)[] = wanted.map(() => null);
      for (const { place, nodes } of rows) read[place - 1] = nodes;
      return read;
    },
    { weightMax: 200, concurrencyMax: 2 },
  );

  async function readTile(wanted: StoredTile): Promise<MerkleTree | null> {
    const key = `${wanted.batchId} ${wanted.leafCount} ${wanted.offset}`;
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const nodes = await readNodes(wanted);
    if (nodes === null) return null;
    const tree = buildTree(nodes);
    remembered.set(key, tree);
    return tree;
  }

  return async ({ batchId, root, leafCount, leafIndex, leafTile }) => {
    await loadKeccak();
    const [own, ...above] = tilesOfPath(leafCount, leafIndex);
    const trees = await Promise.all(above.map((tile) => readTile({ ...tile, batchId, leafCount })));
    const tiles: TileTree[] = [
      { tree: buildTree(leafTile.subarray(0, own.nodeCount * NODE_BYTES)), index: own.index },
    ];
    for (const [place, tree] of trees.entries()) {
      if (tree === null) return null;
      tiles.push({ tree, index: above[place]!.index });
    }
    return siblingsInTiles(tiles, Buffer.from(root.slice(2), "hex")).map(({ nodes, offset, position }) => ({
      position,
      data: nodeAt(nodes, offset),
    }));
  };
}

function nodeAt(nodes: Uint8Array, offset: number): Hex {
  return `0x${bufferOver(nodes).toString("hex", offset * NODE_BYTES, (offset + 1) * NODE_BYTES)}`;
}
