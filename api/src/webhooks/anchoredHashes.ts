import { createHash } from "node:crypto";
import type { PoolClient } from "pg";
import { stringify } from "uuid";
import type { AnchoredBatch } from "./recordEvent.ts";

export type AnchoredHash = { id: string; hash: string; externalId: string | null; leafIndex: number };

/** Leaves read by one statement. */
const LEAVES_READ = 1_000;
/** Statements per look, so that a tenant's few hashes in a huge batch do not hold up the others. */
const READS_MAX = 20;

type Row = { id: string; content_hash: Buffer; external_id: string | null; leaf_index: number };

// As in anchoring/getBatch.ts: the tree names the hashes, and the key of submissions begins with the hash.
const OWN_HASHES = `
  SELECT s.id, s.content_hash, s.external_id, s.leaf_index
  FROM app.batch_trees t
  CROSS JOIN generate_series($3::int, $4::int - 1) AS leaf
  JOIN app.submissions s ON s.content_hash = substr(t.nodes, leaf * 32 + 1, 32) AND s.tenant_id = $2
  WHERE t.batch_id = $1 AND s.batch_id = $1
  ORDER BY s.leaf_index LIMIT $5`;

/**
 * The tenant's hashes in a batch, in leaf order from `nextLeaf` on, at most `limit`.
 * @returns also the leaf to go on from; null when there are no more, or when the anchor was taken back: then what was to be told
 * of it is not true any more, and anchoring the batch anew tells the new facts.
 */
export async function readAnchoredHashes(
  tx: PoolClient,
  { batchId, anchor }: AnchoredBatch,
  { tenantId, nextLeaf, limit }: { tenantId: string; nextLeaf: number; limit: number },
): Promise<{ hashes: AnchoredHash[]; nextLeaf: number | null }> {
  const stands = await tx.query(
    "SELECT FROM app.batches WHERE id = $1 AND state = 'anchored' AND block_hash = $2",
    [batchId, Buffer.from(anchor.blockHash.slice(2), "hex")],
  );
  if (stands.rows.length === 0) return { hashes: [], nextLeaf: null };
  const { leafCount } = anchor;
  const hashes: AnchoredHash[] = [];
  let from = nextLeaf;
  for (let reads = 0; reads < READS_MAX && from < leafCount; reads++) {
    const to = Math.min(from + LEAVES_READ, leafCount);
    const room = limit - hashes.length;
    const { rows } = await tx.query<Row>(OWN_HASHES, [batchId, tenantId, from, to, room]);
    hashes.push(...rows.map(toAnchoredHash));
    from = rows.length === room ? rows.at(-1)!.leaf_index + 1 : to;
    if (hashes.length === limit) break;
  }
  return { hashes, nextLeaf: from < leafCount ? from : null };
}

function toAnchoredHash({ id, content_hash, external_id, leaf_index }: Row): AnchoredHash {
  return { id, hash: `0x${content_hash.toString("hex")}`, externalId: external_id, leafIndex: leaf_index };
}

/**
 * The id of a hash's event: a UUID version 8 (RFC 9562 §5.8) that follows from the anchoring and the submission, so that it is the
 * same for each of the tenant's webhooks.
 */
export function hashEventId(outboxId: string, submissionId: string): string {
  const bytes = createHash("sha256").update(`${outboxId} ${submissionId}`).digest().subarray(0, 16);
  bytes[6] = 0x80 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  return stringify(bytes);
}
