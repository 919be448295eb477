import pg from "pg";
import { v7 as uuidv7 } from "uuid";
import { buildTree, loadKeccak } from "#protocol/merkleTree.ts";
import { until } from "#test/support/until.ts";
import { filledHash } from "./contentHashes.ts";
import type { Stack } from "./stack.ts";

/** Stores the hashes filledHash(0 … count − 1) in a stack and resolves once all of them are anchored. */
export type Fill = (stack: Stack, tenantId: string, count: number) => Promise<void>;

const leavesPerBatch = 10_000; // BATCH_LEAVES_MAX by default
const anchorDeadlineMs = 30 * 60_000;

/**
 * Writes submissions and sealed batches straight into the tables, past the API and the sealer; from there on the stack's
 * own workers anchor and sign them, so that what is read afterwards is real.
 */
export const fillAnchored: Fill = async (stack, tenantId, count) => {
  await loadKeccak();
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  try {
    await client.query("SET synchronous_commit = off");
    for (let from = 0; from < count; from += leavesPerBatch) {
      await fillBatch(client, tenantId, from, Math.min(from + leavesPerBatch, count));
    }
    const allAnchored = async () =>
      (await client.query("SELECT 1 FROM app.batches WHERE state <> 'anchored' LIMIT 1")).rowCount === 0;
    await until(allAnchored, { deadlineMs: anchorDeadlineMs, intervalMs: 500 });
    await client.query("VACUUM ANALYZE app.submissions");
    await client.query("CHECKPOINT"); // or it runs while reads are measured
  } finally {
    await client.end();
  }
};

async function fillBatch(client: pg.Client, tenantId: string, from: number, to: number): Promise<void> {
  const leaves = Buffer.concat(Array.from({ length: to - from }, (_, i) => filledHash(from + i)));
  const { root, nodes } = buildTree(leaves);
  const batchId = uuidv7();
  await client.query("BEGIN");
  await client.query(
    `INSERT INTO app.batches (id, chain_id, publisher, root, leaf_count, state, sealed_at)
     SELECT $1, chain_id, publisher, $2, $3, 'sealed', now() FROM app.chains WHERE is_default`,
    [batchId, Buffer.from(root), to - from],
  );
  await client.query("INSERT INTO app.batch_trees (batch_id, nodes) VALUES ($1, $2)", [
    batchId,
    Buffer.from(nodes),
  ]);
  await client.query("INSERT INTO app.batch_tenants (tenant_id, batch_id, hashes) VALUES ($1, $2, $3)", [
    tenantId,
    batchId,
    to - from,
  ]);
  await client.query(
    `INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, created_at, batch_id, leaf_index)
     SELECT sha256(int8send(n)), $1, uuidv7(), chain_id, now(), $2, n - $3
     FROM app.chains, generate_series($3::bigint, $4::bigint - 1) AS n WHERE is_default`,
    [tenantId, batchId, from, to],
  );
  await client.query("COMMIT");
}
