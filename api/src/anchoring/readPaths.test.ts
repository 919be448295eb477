import { randomBytes, randomInt } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TilesDoNotMeetError } from "#protocol/merkleTiles.ts";
import { buildTree, loadKeccak, type MerkleTree, pathOf } from "#protocol/merkleTree.ts";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import { registerChain } from "../chain/registerChain.ts";
import { connectDatabase, type Database } from "../db/client.ts";
import { migrateDatabase } from "../db/migrate.ts";
import { newId } from "../newId.ts";
import { addFiller } from "../pipeline/anchorableTree.ts";
import { createEarliestLeafFinder } from "./findLeaves.ts";
import { toHex } from "./leafStatus.ts";
import { createPathReader, type PathWanted } from "./readPaths.ts";

const NODE_BYTES = 32;
const SIGNATURE_BYTES = 64;
const CHAIN_ID = 31337;
const PUBLISHER = Buffer.alloc(20, 0xb0);

let postgres: EmbeddedPostgres;
let db: Database;

beforeAll(async () => {
  [postgres] = await Promise.all([startTestPostgres({ durable: false }), loadKeccak()]);
  const url = await createDatabase(postgres);
  await migrateDatabase(url);
  db = connectDatabase({ url, connectionsMax: 4, statementTimeoutMs: 30_000, onError: () => {} });
  await registerChain(db, {
    chainId: CHAIN_ID,
    name: "c",
    rpcUrl: "http://c",
    contractAddress: `0x${"c0".repeat(20)}`,
    publisher: toHex(PUBLISHER),
    confirmations: 1,
  });
  await db.pool.query(
    "INSERT INTO app.signing_keys (kid, public_key, created_at) VALUES ('kid', $1, now())",
    [randomBytes(32)],
  );
});
afterAll(async () => {
  await db.pool.end();
  await postgres.stop();
});

type Stored = { id: string; tree: MerkleTree; signatures: Buffer };

/** A sealed batch of random leaves, with a submission of each and signatures that are not any. */
async function store(leafCount: number): Promise<Stored> {
  const id = newId();
  const tree = buildTree(randomBytes(leafCount * NODE_BYTES));
  const signatures = randomBytes(leafCount * SIGNATURE_BYTES);
  await db.pool.query(
    "INSERT INTO app.batches (id, chain_id, publisher, root, leaf_count, state, sealed_at) VALUES ($1, $2, $3, $4, $5, 'sealed', now())",
    [id, CHAIN_ID, PUBLISHER, Buffer.from(tree.root), leafCount],
  );
  await db.pool.query("INSERT INTO app.batch_trees (batch_id, nodes) VALUES ($1, $2)", [
    id,
    Buffer.from(tree.nodes),
  ]);
  await db.pool.query(
    "INSERT INTO app.batch_receipts (batch_id, kid, signatures, issued_at) VALUES ($1, 'kid', $2, now())",
    [id, signatures],
  );
  await db.pool.query(
    `INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, created_at, batch_id, leaf_index)
     SELECT substr($1::bytea, leaf * ${NODE_BYTES} + 1, ${NODE_BYTES}), $2, gen_random_uuid(), ${CHAIN_ID}, now(), $2, leaf
     FROM generate_series(0, $3::int - 1) AS leaf`,
    [Buffer.from(tree.nodes), id, leafCount],
  );
  return { id, tree, signatures };
}

async function wantedOf({ tree }: Stored, leafIndex: number): Promise<PathWanted & { signature: Buffer }> {
  const leaf = await createEarliestLeafFinder(db)(Buffer.from(nodeOf(tree, leafIndex)));
  return {
    batchId: leaf!.batch_id!,
    root: leaf!.root!,
    leafCount: leaf!.leaf_count!,
    leafIndex: leaf!.leaf_index!,
    leafTile: leaf!.leaf_tile!,
    signature: leaf!.signature!,
  };
}

const nodeOf = (tree: MerkleTree, offset: number) =>
  tree.nodes.slice(offset * NODE_BYTES, (offset + 1) * NODE_BYTES);

const stepsOf = (tree: MerkleTree, leafIndex: number) =>
  pathOf(tree, leafIndex).map(({ position, data }) => ({ position, data: toHex(data) }));

describe("HA-9 a leaf's path is that of its whole tree, and its signature its own", () => {
  test.each([1, 2, 7, 8, 9, 15, 64, 65, 511, 512, 513, 600, 1_024, 10_000, 33_000])(
    "among %i leaves",
    async (leafCount) => {
      const stored = await store(leafCount);
      const readPath = createPathReader(db);
      const some = [0, leafCount - 1, ...Array.from({ length: 30 }, () => randomInt(leafCount))];
      await Promise.all(
        some.map(async (leafIndex) => {
          const wanted = await wantedOf(stored, leafIndex);
          expect(wanted).toMatchObject({ batchId: stored.id, leafIndex, leafCount });
          expect(wanted.signature).toEqual(
            stored.signatures.subarray(leafIndex * SIGNATURE_BYTES, (leafIndex + 1) * SIGNATURE_BYTES),
          );
          expect(await readPath(wanted)).toEqual(stepsOf(stored.tree, leafIndex));
        }),
      );
    },
  );
});

test("a path is read from the database once, and from memory then, for all leaves of its tiles", async () => {
  const stored = await store(700);
  const readPath = createPathReader(db);
  const wanted = await Promise.all([640, 641, 699].map((leafIndex) => wantedOf(stored, leafIndex)));
  await readPath(wanted[0]!);
  await db.pool.query("UPDATE app.batch_trees SET nodes = '' WHERE batch_id = $1", [stored.id]);
  for (const one of wanted) expect(await readPath(one)).toEqual(stepsOf(stored.tree, one.leafIndex));
});

test("a batch that got a filler since is no longer read as it was, nor remembered as it was", async () => {
  const stored = await store(600);
  const readPath = createPathReader(db);
  const before = await wantedOf(stored, 599);
  expect(await readPath(before)).toEqual(stepsOf(stored.tree, 599));
  await addFiller(db, stored.id);
  expect(await createPathReader(db)(before)).toBeNull();

  const after = await wantedOf(stored, 599);
  const { rows } = await db.pool.query("SELECT nodes FROM app.batch_trees WHERE batch_id = $1", [stored.id]);
  const tree = buildTree(rows[0].nodes.subarray(0, 601 * NODE_BYTES));
  expect(after).toMatchObject({ leafCount: 601, root: toHex(tree.root) });
  expect(await readPath(after)).toEqual(stepsOf(tree, 599));
});

test("a stored tree that does not lead to its root gives no path; once it is mended, it does", async () => {
  const stored = await store(600);
  const readPath = createPathReader(db);
  const wanted = await wantedOf(stored, 17);
  const broken = Buffer.from(stored.tree.nodes);
  broken[(600 + 300 + 150) * NODE_BYTES]! ^= 1; // the first node that is read beside the leaf's own tile
  const setNodes = (nodes: Buffer) =>
    db.pool.query("UPDATE app.batch_trees SET nodes = $2 WHERE batch_id = $1", [stored.id, nodes]);
  await setNodes(broken);
  await expect(readPath(wanted)).rejects.toThrow(TilesDoNotMeetError);
  await setNodes(Buffer.from(stored.tree.nodes));
  expect(await readPath(wanted)).toEqual(stepsOf(stored.tree, 17));
  const forged = Buffer.from(wanted.leafTile);
  forged[0]! ^= 1;
  await expect(readPath({ ...wanted, leafTile: forged })).rejects.toThrow(TilesDoNotMeetError);
});
