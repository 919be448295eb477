import { hash } from "node:crypto";
import type { PoolClient } from "pg";
import { buildTree, type MerkleTree } from "#protocol/merkleTree.ts";
import type { Database } from "../db/client.ts";
import { bufferOver } from "../db/schema.ts";
import { withTransaction } from "../db/transaction.ts";

const LEAF_BYTES = 32;

/**
 * The tree over the leaves, with a filler leaf at its end where the contract would refuse the root: a zero hash alone, or
 * somebody who submits a known root or its children so that their batch gets the root of another one with another leafCount.
 * The filler follows from the refused root, so sealing stays deterministic.
 */
export async function anchorableTree(
  tx: PoolClient,
  chain: { chainId: number; publisher: Uint8Array },
  leaves: Uint8Array,
): Promise<MerkleTree> {
  const tree = buildTree(leaves);
  if (!(await isRefused(tx, chain, tree))) return tree;
  return anchorableTree(tx, chain, withFiller(leaves, tree.root));
}

function withFiller(leaves: Uint8Array, refusedRoot: Uint8Array): Uint8Array {
  return Buffer.concat([leaves, fillerFor(refusedRoot)]);
}

/** The leaf, 32 bytes, that nobody submitted and that turns a refused root into another one. */
export function fillerFor(refusedRoot: Uint8Array): Buffer {
  return hash("sha256", Buffer.concat([Buffer.from("holdfast.filler/1"), refusedRoot]), "buffer");
}

async function isRefused(
  tx: PoolClient,
  { chainId, publisher }: { chainId: number; publisher: Uint8Array },
  { root, leafCount }: MerkleTree,
): Promise<boolean> {
  if (root.every((byte) => byte === 0)) return true;
  const taken = await tx.query(
    "SELECT 1 FROM app.batches WHERE chain_id = $1 AND publisher = $2 AND root = $3 AND leaf_count <> $4 LIMIT 1",
    [chainId, bufferOver(publisher), bufferOver(root), leafCount],
  );
  return taken.rows.length > 0;
}

type SealedRow = { chain_id: number; publisher: Buffer; root: Buffer; leaf_count: number; nodes: Buffer };

/**
 * Gives a sealed batch another root, because the contract holds its root with another leafCount although our database knows
 * nothing of it (a restored backup, a publisher's key used elsewhere). Leaf indexes stay.
 */
export async function addFiller(db: Database, batchId: string): Promise<void> {
  await withTransaction(db, async (tx) => {
    const { rows } = await tx.query<SealedRow>(
      `SELECT b.chain_id, b.publisher, b.root, b.leaf_count, t.nodes FROM app.batches b JOIN app.batch_trees t ON t.batch_id = b.id
       WHERE b.id = $1 AND b.state = 'sealed' FOR UPDATE OF b`,
      [batchId],
    );
    const batch = rows[0];
    if (batch === undefined) return;
    const leaves = batch.nodes.subarray(0, batch.leaf_count * LEAF_BYTES);
    const chain = { chainId: batch.chain_id, publisher: batch.publisher };
    const tree = await anchorableTree(tx, chain, withFiller(leaves, batch.root));
    await tx.query("UPDATE app.batches SET root = $2, leaf_count = $3 WHERE id = $1", [
      batchId,
      bufferOver(tree.root),
      tree.leafCount,
    ]);
    await tx.query("UPDATE app.batch_trees SET nodes = $2 WHERE batch_id = $1", [
      batchId,
      bufferOver(tree.nodes),
    ]);
  });
}
