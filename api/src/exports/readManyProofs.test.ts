import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Hex } from "#protocol/bytes.ts";
import { buildTree, loadKeccak, type MerkleTree, pathOf } from "#protocol/merkleTree.ts";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { toHex } from "../anchoring/leafStatus.ts";
import { newId } from "../newId.ts";
import { hashRows } from "./hashRows.ts";
import { readManyProofs } from "./readManyProofs.ts";
import { receiptRows } from "./receiptRows.ts";

const LEAF_COUNTS = [1, 2, 3, 64, 1_000, 4_097];
const SIGNATURE_BYTES = 64;

type StoredBatch = { batchId: string; blockHash: Hex; tree: MerkleTree; signatures: Buffer };

let api: TestApi;
let batches: StoredBatch[];
const tenantId = newId();

beforeAll(async () => {
  await loadKeccak();
  api = await startTestApi();
  await api.db.pool.query("INSERT INTO app.signing_keys VALUES ('kid', $1, now())", [randomBytes(32)]);
  batches = [];
  for (const leafCount of LEAF_COUNTS) batches.push(await storeAnchored(leafCount));
  // An index that agrees with every batch.
  await api.db.pool.query(`
    CREATE OR REPLACE VIEW chain.anchors AS
      SELECT chain_id, '0x' || encode(publisher, 'hex') AS publisher, '0x' || encode(root, 'hex') AS root, leaf_count::bigint AS leaf_count,
        NULL::text AS head, block_number, '0x' || encode(block_hash, 'hex') AS block_hash, block_timestamp,
        '0x' || encode(tx_hash, 'hex') AS transaction_hash, log_index, gas_used::bigint AS gas_used
      FROM app.batches WHERE state = 'anchored'`);
});
afterAll(() => api.stop());

async function storeAnchored(leafCount: number): Promise<StoredBatch> {
  const tree = buildTree(randomBytes(leafCount * 32));
  const { root, nodes } = tree;
  const [batchId, blockHash] = [newId(), randomBytes(32)];
  const { pool } = api.db;
  await pool.query(
    `INSERT INTO app.batches (id, chain_id, publisher, root, leaf_count, state, sealed_at, tx_hash, block_number, block_hash, block_timestamp, log_index, gas_used, anchored_at)
     SELECT $1, chain_id, publisher, $2, $3, 'anchored', now(), $4, 1, $5, 1700000000, 0, 1, now() FROM app.chains`,
    [batchId, Buffer.from(root), leafCount, randomBytes(32), blockHash],
  );
  await pool.query("INSERT INTO app.batch_trees VALUES ($1, $2)", [batchId, Buffer.from(nodes)]);
  const signatures = randomBytes(leafCount * SIGNATURE_BYTES);
  await pool.query("INSERT INTO app.batch_receipts VALUES ($1, 'kid', $2, now())", [batchId, signatures]);
  await pool.query(
    `INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, created_at, batch_id, leaf_index)
     SELECT substr(t.nodes, leaf * 32 + 1, 32), $1, uuidv7(), c.chain_id, now(), t.batch_id, leaf
     FROM app.batch_trees t, app.chains c, generate_series(0, $3::int - 1) AS leaf WHERE t.batch_id = $2`,
    [tenantId, batchId, leafCount],
  );
  return { batchId, blockHash: toHex(blockHash), tree, signatures };
}

/** Some leaves of a batch: a few anywhere, and a stretch. */
const leavesOf = (leafCount: number) =>
  fc
    .tuple(fc.array(fc.nat(leafCount - 1), { maxLength: 12 }), fc.nat(leafCount - 1), fc.nat(200))
    .map(([some, from, count]) => [
      ...new Set([...some, ...Array.from({ length: Math.min(count, leafCount - from) }, (_, i) => from + i)]),
    ]);

test("HA-12 many proofs read at once are each leaf's own path and signature", async () => {
  await fc.assert(
    fc.asyncProperty(fc.tuple(...LEAF_COUNTS.map(leavesOf)), async (chosen) => {
      const wanted = batches
        .map((batch, i) => ({ ...batch, leafCount: LEAF_COUNTS[i]!, leafIndexes: chosen[i]! }))
        .filter(({ leafIndexes }) => leafIndexes.length > 0);
      const read = await readManyProofs(api.db, wanted);
      for (const { batchId, tree, signatures, leafIndexes } of wanted) {
        const proofs = read.get(batchId)!;
        expect([...proofs.keys()]).toEqual(leafIndexes);
        for (const [leaf, { proof, signature }] of proofs) {
          expect(proof).toEqual(
            pathOf(tree, leaf).map(({ position, data }) => ({ position, data: toHex(data) })),
          );
          expect(signature).toEqual(
            signatures.subarray(leaf * SIGNATURE_BYTES, (leaf + 1) * SIGNATURE_BYTES),
          );
        }
      }
    }),
    { numRuns: 30 },
  );
});

test("HA-12 an anchor on which batch and index disagree is not exported: the hash is batched, and has no receipt", async () => {
  const { batchId } = batches[3]!;
  const leafCount = LEAF_COUNTS[3]!;
  const statuses = async () => {
    const counts = new Map<unknown, number>();
    for await (const page of hashRows(api.db, ALL).pages)
      for (const cells of page) counts.set(cells[3], (counts.get(cells[3]) ?? 0) + 1);
    let receipts = 0;
    for await (const page of receiptRows(api.db, { ...ALL, publicUrl: "" }).pages) receipts += page.length;
    return { ...Object.fromEntries(counts), receipts };
  };
  const all = LEAF_COUNTS.reduce((sum, count) => sum + count, 0);
  expect(await statuses()).toEqual({ anchored: all, receipts: all });
  const { rows } = await api.db.pool.query("SELECT pg_get_viewdef('chain.anchors'::regclass) AS view");
  await api.db.pool.query(
    `CREATE OR REPLACE VIEW chain.anchors AS ${rows[0].view.replace(/;\s*$/, "")} AND id <> '${batchId}'`,
  );
  expect(await statuses()).toEqual({
    anchored: all - leafCount,
    batched: leafCount,
    receipts: all - leafCount,
  });
});

test("HA-12 a batch that was anchored anew since its row was read gives no proof beside the old anchor", async () => {
  const wanted = { ...batches[4]!, leafCount: LEAF_COUNTS[4]!, leafIndexes: [1, 2] };
  const read = await readManyProofs(api.db, [{ ...wanted, blockHash: toHex(randomBytes(32)) }]);
  expect(read.get(wanted.batchId)).toBe(undefined);
});

const ALL = { tenantId, createdFrom: null, createdBefore: null, statusFilter: null };
