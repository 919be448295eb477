import { LRUCache } from "lru-cache";
import type { Hex } from "#protocol/bytes.ts";
import { siblingsInTiles, type Tile, tilesOfPath } from "#protocol/merkleTiles.ts";
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
type Row = { nodes: Buffer | null };

const NODE_BYTES = 32;
/** 4 kB each, 70 MB in all: as many as there are above 7.8 million leaves in batches of 10,000. */
const TILES_REMEMBERED_MAX = 16_384;

// substr on an uncompressed out-of-line value reads just the slice. A subquery, so that the planner does not join whole tables.
const READ_TILES = `
  SELECT (SELECT substr(t.nodes, wanted.start, wanted.length) FROM app.batches b JOIN app.batch_trees t ON t.batch_id = b.id
          WHERE b.id = wanted.batch_id AND b.leaf_count = wanted.leaf_count) AS nodes
  FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[]) WITH ORDINALITY AS wanted (batch_id, leaf_count, start, length, place)
  ORDER BY wanted.place`;

/**
 * Reads Merkle paths. The tiles above a leaf's own are read once and remembered: a batch's leaves never change but for fillers that
 * are appended, so its id and leafCount name one tree for ever. Null for a batch that has another leafCount by now.
 * @throws {TilesDoNotMeetError} when what is stored does not lead to the root; nothing of that is answered or remembered.
 */
export function createPathReader(db: Database): (wanted: PathWanted) => Promise<ReceiptProofStep[] | null> {
  const remembered = new LRUCache<string, MerkleTree>({ max: TILES_REMEMBERED_MAX });
  const readNodes = createNodeReader(db);

  return async ({ batchId, root, leafCount, leafIndex, leafTile }) => {
    await loadKeccak();
    const [own, ...above] = tilesOfPath(leafCount, leafIndex);
    const tiles = [{ tree: buildTree(leafTile.subarray(0, own.nodeCount * NODE_BYTES)), index: own.index }];
    const read: [string, MerkleTree][] = [];
    for (const tile of above) {
      const key = `${batchId} ${leafCount} ${tile.offset}`;
      let tree = remembered.get(key);
      if (tree === undefined) {
        const nodes = await readNodes({ ...tile, batchId, leafCount });
        if (nodes === null) return null;
        tree = buildTree(nodes);
        read.push([key, tree]);
      }
      tiles.push({ tree, index: tile.index });
    }
    const siblings = siblingsInTiles(tiles, Buffer.from(root.slice(2), "hex"));
    for (const [key, tree] of read) remembered.set(key, tree);
    return siblings.map(({ nodes, offset, position }) => ({ position, data: nodeAt(nodes, offset) }));
  };
}

function createNodeReader({ pool }: Database): (wanted: StoredTile) => Promise<Buffer | null> {
  return groupCalls(
    async (wanted: StoredTile[]) => {
      const values = [
        arrayLiteral(wanted.map(({ batchId }) => batchId)),
        arrayLiteral(wanted.map(({ leafCount }) => leafCount)),
        arrayLiteral(wanted.map(({ offset }) => offset * NODE_BYTES + 1)),
        arrayLiteral(wanted.map(({ nodeCount }) => nodeCount * NODE_BYTES)),
      ];
      const { rows } = await pool.query<Row>({ name: "read-tiles", text: READ_TILES, values });
      return rows.map((row) => row.nodes);
    },
    { weightMax: 200, concurrencyMax: 2 },
  );
}

function nodeAt(nodes: Uint8Array, offset: number): Hex {
  return `0x${bufferOver(nodes).toString("hex", offset * NODE_BYTES, (offset + 1) * NODE_BYTES)}`;
}
