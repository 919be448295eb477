import type { PoolClient } from "pg";
import { buildTree } from "#protocol/merkleTree.ts";
import { fillerFor } from "../anchorableTree.ts";
import type { BatchRow } from "./batchRow.ts";
import type { Report } from "./violation.ts";

const NODE_BYTES = 32;
/** Leaves that one statement looks up. */
const LOOKUP_LEAVES = 10_000;

// The key of submissions begins with the hash, and the tree names its hashes: no index by batch is needed.
const SUBMISSIONS_OF = `
  SELECT content_hash, tenant_id, leaf_index FROM app.submissions WHERE content_hash = ANY($1::bytea[]) AND batch_id = $2`;

/** The tree follows from the leaves, and every leaf and tenant from the submissions. */
export async function checkLeaves(
  tx: PoolClient,
  batch: BatchRow,
  nodes: Buffer,
  report: Report,
): Promise<void> {
  const leaves = nodes.subarray(0, batch.leaf_count * NODE_BYTES);
  if (leaves.length !== batch.leaf_count * NODE_BYTES || !isTreeOver(leaves, nodes, batch.root)) {
    report({ kind: "treeWrong", batchId: batch.id, found: `${nodes.length} bytes of nodes` });
    return;
  }
  checkDistinct(batch, leaves, report);
  const { isSubmitted, hashesOf } = await findSubmitted(tx, batch, leaves);
  let isTail = true;
  for (let index = batch.leaf_count - 1; index >= 0; index--) {
    if (isSubmitted[index] === 1) isTail = false;
    else if (!isTail || !isFiller(leaves, index)) {
      isTail = false;
      report({
        kind: "leafUnsubmitted",
        batchId: batch.id,
        contentHash: hexAt(leaves, index),
        found: `leaf ${index}`,
      });
    }
  }
  await checkTenants(tx, batch, hashesOf, report);
}

function isTreeOver(leaves: Buffer, nodes: Buffer, root: Buffer): boolean {
  const tree = buildTree(leaves);
  return nodes.equals(tree.nodes) && root.equals(tree.root);
}

function checkDistinct(batch: BatchRow, leaves: Buffer, report: Report): void {
  const seen = new Set<string>();
  for (let index = 0; index < batch.leaf_count; index++) {
    const key = leafAt(leaves, index).toString("latin1");
    if (seen.has(key))
      report({
        kind: "leafRepeated",
        batchId: batch.id,
        contentHash: hexAt(leaves, index),
        found: `leaf ${index}`,
      });
    seen.add(key);
  }
}

async function findSubmitted(tx: PoolClient, batch: BatchRow, leaves: Buffer) {
  const isSubmitted = new Uint8Array(batch.leaf_count);
  const hashesOf = new Map<string, number>();
  for (let start = 0; start < batch.leaf_count; start += LOOKUP_LEAVES) {
    const count = Math.min(LOOKUP_LEAVES, batch.leaf_count - start);
    const wanted = Array.from({ length: count }, (_, i) => leafAt(leaves, start + i));
    const { rows } = await tx.query<{ content_hash: Buffer; tenant_id: string; leaf_index: number }>(
      SUBMISSIONS_OF,
      [wanted, batch.id],
    );
    for (const { content_hash, tenant_id, leaf_index } of rows) {
      hashesOf.set(tenant_id, (hashesOf.get(tenant_id) ?? 0) + 1);
      if (content_hash.equals(leafAt(leaves, leaf_index))) isSubmitted[leaf_index] = 1;
    }
  }
  return { isSubmitted, hashesOf };
}

/** Fillers stand at the end, behind at least one leaf that was submitted, and each follows from the leaves before it. */
function isFiller(leaves: Buffer, index: number): boolean {
  if (index === 0) return false;
  const { root } = buildTree(leaves.subarray(0, index * NODE_BYTES));
  return leafAt(leaves, index).equals(fillerFor(root));
}

async function checkTenants(
  tx: PoolClient,
  batch: BatchRow,
  hashesOf: Map<string, number>,
  report: Report,
): Promise<void> {
  const { rows } = await tx.query<{ tenant_id: string; hashes: number }>(
    "SELECT tenant_id, hashes FROM app.batch_tenants WHERE batch_id = $1",
    [batch.id],
  );
  const listed = new Map(rows.map((row) => [row.tenant_id, row.hashes]));
  const different = [...new Set([...listed.keys(), ...hashesOf.keys()])].filter(
    (tenantId) => listed.get(tenantId) !== hashesOf.get(tenantId),
  );
  if (different.length > 0)
    report({
      kind: "tenantsWrong",
      batchId: batch.id,
      found: `listed with other hashes than submitted: ${different.join(", ")}`,
    });
}

function leafAt(leaves: Buffer, index: number): Buffer {
  return leaves.subarray(index * NODE_BYTES, (index + 1) * NODE_BYTES);
}

function hexAt(leaves: Buffer, index: number): `0x${string}` {
  return `0x${leafAt(leaves, index).toString("hex")}`;
}
