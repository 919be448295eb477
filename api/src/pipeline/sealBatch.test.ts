import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { buildTree, loadKeccak } from "#protocol/merkleTree.ts";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import { until } from "#test/support/until.ts";
import type { Chain } from "../chain/chainDirectory.ts";
import { registerChain } from "../chain/registerChain.ts";
import { connectDatabase, type Database } from "../db/client.ts";
import { migrateDatabase } from "../db/migrate.ts";
import { newId } from "../newId.ts";
import { sealBatch } from "./sealBatch.ts";

const START = new Date("2027-01-15T08:00:00Z");
const LIMITS = { sealIntervalMs: 10_000, batchLeavesMax: 1_000 };
const DUE = new Date(START.getTime() + LIMITS.sealIntervalMs);

let postgres: EmbeddedPostgres;
let db: Database;
let chain: Chain;

beforeAll(async () => {
  [postgres] = await Promise.all([startTestPostgres({ durable: false }), loadKeccak()]);
  const url = await createDatabase(postgres);
  await migrateDatabase(url);
  db = connectDatabase({ url, connectionsMax: 8, statementTimeoutMs: 30_000, onError: () => {} });
});
afterAll(async () => {
  await db.pool.end();
  await postgres.stop();
});
// A chain of its own for each test: pending hashes of one are not seen by the next.
let chains = 0;
beforeEach(async () => {
  chain = await registerChain(db, {
    chainId: ++chains,
    name: "c",
    rpcUrl: "http://c",
    contractAddress: `0x${"c0".repeat(20)}`,
    publisher: `0x${"b0".repeat(20)}`,
    confirmations: 1,
  });
});

type Submitted = { id: string; tenantId: string; contentHash: Buffer };

async function submit(contentHash: Buffer = randomBytes(32), tenantId = newId()): Promise<Submitted> {
  const id = newId();
  await db.pool.query(
    "INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, created_at) VALUES ($1, $2, $3, $4, $5)",
    [contentHash, tenantId, id, chain.chainId, START],
  );
  return { id, tenantId, contentHash };
}

async function submitMany(count: number): Promise<Submitted[]> {
  const all: Submitted[] = [];
  for (let i = 0; i < count; i++) all.push(await submit());
  return all;
}

async function placesOf(submitted: Submitted[]) {
  const { rows } = await db.pool.query<{ id: string; batch_id: string | null; leaf_index: number | null }>(
    "SELECT id, batch_id, leaf_index FROM app.submissions WHERE id = ANY($1::uuid[]) ORDER BY id",
    [submitted.map(({ id }) => id)],
  );
  return rows;
}

test("protocol §2: leaves keep submission order, whatever the order of their bytes", async () => {
  const submitted = await submitMany(20);
  const sealed = await sealBatch(db, chain, LIMITS, DUE);
  const tree = buildTree(Buffer.concat(submitted.map(({ contentHash }) => contentHash)));
  expect(sealed).toMatchObject({ leafCount: 20, submissions: 20, root: Buffer.from(tree.root) });
  expect(await placesOf(submitted)).toEqual(
    submitted.map(({ id }, index) => ({ id, batch_id: sealed!.id, leaf_index: index })),
  );
  const stored = await db.pool.query("SELECT nodes FROM app.batch_trees WHERE batch_id = $1", [sealed!.id]);
  expect(stored.rows[0].nodes).toEqual(Buffer.from(tree.nodes));
});

test("protocol §2: a hash stands once in a batch, also when several tenants submitted it", async () => {
  const first = await submit();
  const other = await submit();
  const again = await submit(first.contentHash);
  const sealed = await sealBatch(db, chain, LIMITS, DUE);
  expect(sealed).toMatchObject({ leafCount: 2, submissions: 3 });
  const places = await placesOf([first, other, again]);
  expect(places.map((place) => place.leaf_index)).toEqual([0, 1, 0]);
  const tenants = await db.pool.query("SELECT tenant_id FROM app.batch_tenants WHERE batch_id = $1", [
    sealed!.id,
  ]);
  expect(tenants.rows.map((row) => row.tenant_id).sort()).toEqual(
    [first.tenantId, other.tenantId, again.tenantId].sort(),
  );
});

test("protocol §4.2: sealing by interval: not a moment before, then everything", async () => {
  await submitMany(3);
  expect(await sealBatch(db, chain, LIMITS, new Date(DUE.getTime() - 1))).toBeNull();
  expect(await sealBatch(db, chain, LIMITS, DUE)).toMatchObject({ submissions: 3 });
  expect(await sealBatch(db, chain, LIMITS, DUE)).toBeNull();
});

test("protocol §4.2: sealing by size: the oldest first, the rest waits for its own time", async () => {
  const limits = { ...LIMITS, batchLeavesMax: 4 };
  const submitted = await submitMany(3);
  expect(await sealBatch(db, chain, limits, START)).toBeNull();
  submitted.push(...(await submitMany(3)));
  const sealed = await sealBatch(db, chain, limits, START);
  expect(sealed).toMatchObject({ leafCount: 4, submissions: 4 });
  expect((await placesOf(submitted)).map(({ batch_id }) => batch_id)).toEqual([
    ...Array.from({ length: 4 }, () => sealed!.id),
    null,
    null,
  ]);
  expect(await sealBatch(db, chain, limits, START)).toBeNull();
  expect(await sealBatch(db, chain, limits, DUE)).toMatchObject({ leafCount: 2 });
});

test("hashes of another chain stay pending", async () => {
  const submitted = await submitMany(2);
  expect(await sealBatch(db, { ...chain, chainId: 1_000_000 }, LIMITS, DUE)).toBeNull();
  expect((await placesOf(submitted)).every(({ batch_id }) => batch_id === null)).toBe(true);
});

test("a sealing that fails leaves everything pending, and the next one seals the same tree", async () => {
  const submitted = await submitMany(5);
  await db.pool.query("ALTER TABLE app.batch_tenants ADD CONSTRAINT refused CHECK (false) NOT VALID");
  await expect(sealBatch(db, chain, LIMITS, DUE)).rejects.toMatchObject({ code: "23514" });
  await db.pool.query("ALTER TABLE app.batch_tenants DROP CONSTRAINT refused");
  expect((await placesOf(submitted)).every(({ batch_id }) => batch_id === null)).toBe(true);
  const orphans = await db.pool.query("SELECT 1 FROM app.batches WHERE chain_id = $1", [chain.chainId]);
  expect(orphans.rowCount).toBe(0);
  const tree = buildTree(Buffer.concat(submitted.map(({ contentHash }) => contentHash)));
  expect((await sealBatch(db, chain, LIMITS, DUE))!.root).toEqual(Buffer.from(tree.root));
});

test("processes that seal at once put every submission into exactly one batch", async () => {
  const submitted = await submitMany(40);
  const limits = { ...LIMITS, batchLeavesMax: 10 };
  const counts: number[] = [];
  await until(async () => {
    const sealed = await Promise.all([1, 2, 3].map(() => sealBatch(db, chain, limits, DUE)));
    counts.push(...sealed.flatMap((batch) => batch?.submissions ?? []));
    return counts.reduce((sum, count) => sum + count, 0) >= 40;
  });
  expect(counts).toEqual([10, 10, 10, 10]);
  const { rows } = await db.pool.query(
    "SELECT b.leaf_count, count(s.*)::int AS submissions FROM app.batches b JOIN app.submissions s ON s.batch_id = b.id WHERE b.chain_id = $1 GROUP BY b.id",
    [chain.chainId],
  );
  expect(rows).toEqual(Array.from({ length: 4 }, () => ({ leaf_count: 10, submissions: 10 })));
  expect((await placesOf(submitted)).every(({ batch_id }) => batch_id !== null)).toBe(true);
});

test("a submission that another process sealed meanwhile is never taken out of its batch", async () => {
  // As when the connection with the lock broke: the other process sees the same pending rows.
  const [submitted] = await submitMany(1);
  const other = await db.pool.connect();
  const theirs = newId();
  await other.query("BEGIN");
  await other.query("UPDATE app.submissions SET batch_id = $2, leaf_index = 0 WHERE id = $1", [
    submitted!.id,
    theirs,
  ]);
  const sealing = sealBatch(db, chain, LIMITS, DUE).then(
    () => "sealed",
    () => "gave up",
  );
  await until(async () => {
    const waiting = await db.pool.query(
      "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
    );
    return waiting.rowCount! > 0;
  });
  await other.query("COMMIT");
  other.release();
  expect(await sealing).toBe("gave up");
  expect(await placesOf([submitted!])).toEqual([{ id: submitted!.id, batch_id: theirs, leaf_index: 0 }]);
  const batches = await db.pool.query("SELECT 1 FROM app.batches WHERE chain_id = $1", [chain.chainId]);
  expect(batches.rowCount).toBe(0);
});

test("protocol §2: a root that the contract would refuse gets a filler leaf, and leaf indexes stay", async () => {
  const zero = await submit(Buffer.alloc(32));
  const sealedZero = await sealBatch(db, chain, LIMITS, DUE);
  expect(sealedZero).toMatchObject({ leafCount: 2, submissions: 1 });
  expect(await placesOf([zero])).toEqual([{ id: zero.id, batch_id: sealedZero!.id, leaf_index: 0 }]);

  const pair = await submitMany(2);
  const sealedPair = await sealBatch(db, chain, LIMITS, DUE);
  const posing = await submit(sealedPair!.root);
  const sealedPosing = await sealBatch(db, chain, LIMITS, DUE);
  expect(sealedPosing).toMatchObject({ leafCount: 2, submissions: 1 });
  expect(sealedPosing!.root).not.toEqual(sealedPair!.root);
  expect((await placesOf([posing]))[0]!.leaf_index).toBe(0);

  for (const { contentHash } of pair) await submit(contentHash);
  const repeated = await sealBatch(db, chain, LIMITS, DUE);
  expect(repeated).toMatchObject({ leafCount: 2, root: sealedPair!.root });
});

test("protocol §2: the children of a root, submitted as a batch of two, do not take its place", async () => {
  await submitMany(4);
  const sealed = await sealBatch(db, chain, LIMITS, DUE);
  const { rows } = await db.pool.query<{ nodes: Buffer }>(
    "SELECT nodes FROM app.batch_trees WHERE batch_id = $1",
    [sealed!.id],
  );
  await submit(rows[0]!.nodes.subarray(4 * 32, 5 * 32));
  await submit(rows[0]!.nodes.subarray(5 * 32, 6 * 32));
  const posing = await sealBatch(db, chain, LIMITS, DUE);
  expect(posing).toMatchObject({ leafCount: 3, submissions: 2 });
  expect(posing!.root).not.toEqual(sealed!.root);
});
