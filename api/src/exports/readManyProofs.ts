import type { Hex } from "#protocol/bytes.ts";
import { proofNodeOffsets } from "#protocol/merkleTree.ts";
import type { ReceiptProofStep } from "#protocol/receipt.ts";
import type { ReceiptLeaf } from "../anchoring/receipts.ts";
import type { Database } from "../db/client.ts";

/** Leaves of one anchored batch. `blockHash`: of the anchor that the proofs are to stand beside. */
export type ProofsWanted = { batchId: string; blockHash: Hex; leafCount: number; leafIndexes: number[] };

/** What a receipt has beside the leaf and its anchor. */
export type SignedProof = Pick<ReceiptLeaf, "signature" | "kid" | "public_key"> & {
  proof: ReceiptProofStep[];
};

/** Neighbours in a stored value, counted in items: nodes or signatures. */
type Stretch = { from: number; count: number };

type Row = { place: number; nodes: Buffer | null; signatures: Buffer; kid: string; public_key: Buffer };

const NODE_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Items that are read although nobody wants them, to save a stretch: fewer bytes than PostgreSQL's own pieces of a value have. */
const GAP_MAX = 16;

const slicesOf = (value: string, starts: string, counts: string, bytes: number) => `
    (SELECT string_agg(substr(${value}, slice.start * ${bytes} + 1, slice.count * ${bytes}), ''::bytea ORDER BY slice.place)
     FROM unnest(${starts}::int[], ${counts}::int[]) WITH ORDINALITY AS slice (start, count, place))`;

// As in anchoring/readPaths.ts: substr on an uncompressed out-of-line value reads just the slice.
const READ = `
  SELECT wanted.place::int, r.kid, k.public_key,
    ${slicesOf("t.nodes", "wanted.node_starts", "wanted.node_counts", NODE_BYTES)} AS nodes,
    ${slicesOf("r.signatures", "wanted.leaf_starts", "wanted.leaf_counts", SIGNATURE_BYTES)} AS signatures
  FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[])
    WITH ORDINALITY AS wanted (batch_id, block_hash, node_starts, node_counts, leaf_starts, leaf_counts, place)
  JOIN app.batches b ON b.id = wanted.batch_id AND b.block_hash = wanted.block_hash
  JOIN app.batch_trees t ON t.batch_id = wanted.batch_id
  JOIN app.batch_receipts r ON r.batch_id = wanted.batch_id
  JOIN app.signing_keys k ON k.kid = r.kid`;

/**
 * Reads the Merkle paths and signatures of many leaves of a few batches in one statement: neighbouring leaves share most of their
 * paths, so each node is read once, and what is read grows with the leaves that are wanted, not with the batch.
 * @returns per batch the proof of each leaf by its index; none for a batch that has no receipts (any more), or has been anchored anew
 * in another block.
 */
export async function readManyProofs(
  { pool }: Pick<Database, "pool">,
  wanted: readonly ProofsWanted[],
): Promise<Map<string, Map<number, SignedProof>>> {
  const slices = wanted.map(({ leafCount, leafIndexes }) => ({
    nodes: stretchesOf(
      leafIndexes.flatMap((leaf) => proofNodeOffsets(leafCount, leaf).map(({ offset }) => offset)),
    ),
    leaves: stretchesOf(leafIndexes),
  }));
  const { rows } = await pool.query<Row>(READ, [
    wanted.map(({ batchId }) => batchId),
    wanted.map(({ blockHash }) => Buffer.from(blockHash.slice(2), "hex")),
    ...["nodes" as const, "leaves" as const].flatMap((of) => [
      slices.map((slice) => `{${slice[of].map(({ from }) => from).join(",")}}`),
      slices.map((slice) => `{${slice[of].map(({ count }) => count).join(",")}}`),
    ]),
  ]);
  return new Map(
    rows.map((row) => {
      const { batchId, leafCount, leafIndexes } = wanted[row.place - 1]!;
      const { nodes, leaves } = slices[row.place - 1]!;
      return [batchId, proofsOf({ leafCount, leafIndexes, nodes, leaves, row })];
    }),
  );
}

function proofsOf({
  leafCount,
  leafIndexes,
  nodes,
  leaves,
  row,
}: Pick<ProofsWanted, "leafCount" | "leafIndexes"> & { nodes: Stretch[]; leaves: Stretch[]; row: Row }) {
  const nodeTexts = itemsOf(
    nodes,
    row.nodes ?? Buffer.alloc(0),
    NODE_BYTES,
    (node): Hex => `0x${node.toString("hex")}`,
  );
  const signatures = itemsOf(leaves, row.signatures, SIGNATURE_BYTES, (signature) => signature);
  return new Map(
    leafIndexes.map((leaf): [number, SignedProof] => [
      leaf,
      {
        proof: proofNodeOffsets(leafCount, leaf).map(({ offset, position }) => ({
          position,
          data: nodeTexts.get(offset)!,
        })),
        signature: signatures.get(leaf)!,
        kid: row.kid,
        public_key: row.public_key,
      },
    ]),
  );
}

/** Ascending, each item in one stretch. */
function stretchesOf(items: readonly number[]): Stretch[] {
  const stretches: Stretch[] = [];
  for (const item of Int32Array.from(items).sort()) {
    const last = stretches.at(-1);
    if (last !== undefined && item < last.from + last.count + GAP_MAX)
      last.count = Math.max(last.count, item - last.from + 1);
    else stretches.push({ from: item, count: 1 });
  }
  return stretches;
}

/** The items of stretches that were read one after the other, by their place in the whole value. */
function itemsOf<T>(
  stretches: readonly Stretch[],
  bytes: Buffer,
  itemBytes: number,
  itemOf: (slice: Buffer) => T,
): Map<number, T> {
  const items = new Map<number, T>();
  let start = 0;
  for (const { from, count } of stretches) {
    for (let i = 0; i < count; i++, start += itemBytes)
      items.set(from + i, itemOf(bytes.subarray(start, start + itemBytes)));
  }
  return items;
}
