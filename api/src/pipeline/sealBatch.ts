import type { PoolClient } from "pg";
import type { MerkleTree } from "#protocol/merkleTree.ts";
import type { Chain } from "../chain/chainDirectory.ts";
import type { Database } from "../db/client.ts";
import { bufferOver } from "../db/schema.ts";
import { withChainLock, withTransaction } from "../db/transaction.ts";
import { newId } from "../newId.ts";
import { anchorableTree } from "./anchorableTree.ts";

export type SealLimits = {
  /** Longest wait of an accepted hash; milliseconds. */
  sealIntervalMs: number;
  batchLeavesMax: number;
};

export type SealedBatch = { id: string; root: Buffer; leafCount: number; submissions: number };

/** Another process sealed some of the same submissions, because our lock's connection broke; nothing of ours is stored. */
export class SealedMeanwhileError extends Error {
  override name = "SealedMeanwhileError";
}

type Pending = { content_hash: Buffer; tenant_id: string };

/**
 * Seals the chain's pending submissions, oldest first, into one batch, when the batch is full or the oldest has waited long
 * enough. One transaction: after a stop anywhere in it, the submissions are pending as before.
 * @returns null when nothing is due, or another process is sealing for this chain.
 */
export async function sealBatch(
  db: Database,
  chain: Chain,
  limits: SealLimits,
  now: Date,
): Promise<SealedBatch | null> {
  // Looked at without the lock first: most looks find nothing, and should cost one read.
  if (!(await isDue(db.pool, chain.chainId, limits, now))) return null;
  return withChainLock(db, "seal", chain.chainId, () =>
    withTransaction(db, async (tx) => {
      if (!(await isDue(tx, chain.chainId, limits, now))) return null;
      const pending = await readPending(tx, chain.chainId, limits.batchLeavesMax);
      const id = newId();
      const leafIndexes = indexLeaves(pending);
      const tree = await anchorableTree(
        tx,
        chain,
        Buffer.concat([...leafIndexes.values()].map(({ leaf }) => leaf)),
      );
      await storeBatch(tx, chain, id, tree, now);
      await assignSubmissions(
        tx,
        id,
        pending,
        pending.map((row) => leafIndexes.get(row.content_hash.toString("latin1"))!.index),
      );
      return { id, root: Buffer.from(tree.root), leafCount: tree.leafCount, submissions: pending.length };
    }),
  );
}

async function isDue(
  tx: Pick<PoolClient, "query">,
  chainId: number,
  { sealIntervalMs, batchLeavesMax }: SealLimits,
  now: Date,
): Promise<boolean> {
  const oldest = await tx.query<{ created_at: Date }>(
    "SELECT created_at FROM app.submissions WHERE chain_id = $1 AND batch_id IS NULL ORDER BY id LIMIT 1",
    [chainId],
  );
  if (oldest.rows.length === 0) return false;
  if (now.getTime() - oldest.rows[0]!.created_at.getTime() >= sealIntervalMs) return true;
  const full = await tx.query(
    "SELECT 1 FROM app.submissions WHERE chain_id = $1 AND batch_id IS NULL ORDER BY id OFFSET $2 LIMIT 1",
    [chainId, batchLeavesMax - 1],
  );
  return full.rows.length > 0;
}

async function readPending(tx: PoolClient, chainId: number, limit: number): Promise<Pending[]> {
  const { rows } = await tx.query<Pending>(
    "SELECT content_hash, tenant_id FROM app.submissions WHERE chain_id = $1 AND batch_id IS NULL ORDER BY id LIMIT $2",
    [chainId, limit],
  );
  return rows;
}

/** Each content hash once, in order of first submission, however many tenants submitted it. */
function indexLeaves(pending: Pending[]): Map<string, { leaf: Buffer; index: number }> {
  const leaves = new Map<string, { leaf: Buffer; index: number }>();
  for (const { content_hash: leaf } of pending) {
    const key = leaf.toString("latin1");
    if (!leaves.has(key)) leaves.set(key, { leaf, index: leaves.size });
  }
  return leaves;
}

async function storeBatch(
  tx: PoolClient,
  chain: Chain,
  id: string,
  tree: MerkleTree,
  now: Date,
): Promise<void> {
  await tx.query(
    "INSERT INTO app.batches (id, chain_id, publisher, root, leaf_count, state, sealed_at) VALUES ($1, $2, $3, $4, $5, 'sealed', $6)",
    [id, chain.chainId, chain.publisher, Buffer.from(tree.root), tree.leafCount, now],
  );
  await tx.query("INSERT INTO app.batch_trees (batch_id, nodes) VALUES ($1, $2)", [
    id,
    bufferOver(tree.nodes),
  ]);
}

async function assignSubmissions(
  tx: PoolClient,
  batchId: string,
  pending: Pending[],
  leafIndexes: number[],
): Promise<void> {
  const tenantIds = pending.map((row) => row.tenant_id);
  const assigned = await tx.query(
    `UPDATE app.submissions s SET batch_id = $1, leaf_index = item.leaf_index
     FROM unnest($2::bytea[], $3::uuid[], $4::int[]) AS item (content_hash, tenant_id, leaf_index)
     WHERE s.content_hash = item.content_hash AND s.tenant_id = item.tenant_id AND s.batch_id IS NULL`,
    [batchId, pending.map((row) => row.content_hash), tenantIds, leafIndexes],
  );
  if (assigned.rowCount !== pending.length) throw new SealedMeanwhileError();
  await countTenants(tx, batchId, tenantIds);
}

/** How many of the batch's submissions are whose (HA-6, HA-7). Rows of tenants are locked in one order. */
async function countTenants(tx: PoolClient, batchId: string, tenantIds: string[]): Promise<void> {
  const hashes = new Map<string, number>();
  for (const tenantId of tenantIds) hashes.set(tenantId, (hashes.get(tenantId) ?? 0) + 1);
  const tenants = [...hashes.keys()];
  await tx.query(
    "INSERT INTO app.batch_tenants (tenant_id, batch_id, hashes) SELECT unnest($1::uuid[]), $2, unnest($3::int[])",
    [tenants, batchId, [...hashes.values()]],
  );
  await tx.query(
    `INSERT INTO app.tenant_totals AS total (tenant_id, batches, anchored_hashes)
     SELECT tenant_id, 1, 0 FROM unnest($1::uuid[]) AS tenant_id ORDER BY tenant_id
     ON CONFLICT (tenant_id) DO UPDATE SET batches = total.batches + 1`,
    [tenants],
  );
}
