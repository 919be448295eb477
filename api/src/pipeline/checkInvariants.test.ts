import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createChainReader } from "#api/chain/chainReader.ts";
import { type CheckInvariantsOptions, checkInvariants } from "#api/pipeline/checkInvariants.ts";
import type { InvariantKind, Violation } from "#api/pipeline/invariants/violation.ts";
import { buildTree, loadKeccak } from "#protocol/merkleTree.ts";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { untilAnchored, withDatabase } from "#test/faults/accepted.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { startTestPostgres } from "#test/support/postgres.ts";
import { startProcess } from "#test/support/process.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";

let postgres: EmbeddedPostgres;
let stack: TestStack;
let owner: pg.Client;
let copies = 0;

const ZERO = `0x${"0".repeat(64)}` as const;

// Three anchored batches, made by the real pipeline: one of two tenants and five hashes; one of a tenant who submits one of the
// five again; and one of the zero hash, which needs a filler. Then everything stops, and each test corrupts a copy.
beforeAll(async () => {
  postgres = await startTestPostgres({ durable: false });
  stack = await startStack({ postgres, workers: 0 });
  const shared = randomHash();
  const hashes = [shared, ...Array.from({ length: 4 }, randomHash)];
  const keys = await Promise.all([1, 2, 3].map(async () => (await createTenantKey(stack)).key));
  const submit = (key: string, batch: string[]) =>
    call(stack.apiUrl, "POST", "/v1/hashes/batch", {
      key,
      body: { hashes: batch.map((hash) => ({ hash })) },
    });
  await stack.startWorker({ SEAL_INTERVAL_MS: "10" }).then((worker) => worker.stop());
  await submit(keys[0]!, hashes);
  await submit(keys[1]!, [shared]);
  const worker = await stack.startWorker({ SEAL_INTERVAL_MS: "10" });
  await untilAnchored(stack, hashes);
  const other = randomHash();
  await submit(keys[2]!, [shared, other]);
  await untilAnchored(stack, [other]);
  await submit(keys[2]!, [ZERO]);
  await untilAnchored(stack, [ZERO]);
  await worker.stop();
  await stack.indexer!.stop();
  await stack.api.stop();
  owner = new pg.Client({ connectionString: postgres.url });
  await owner.connect();
});

afterAll(async () => {
  await owner?.end();
  await stack?.stop();
  await postgres?.stop();
});

/** A copy of the healthy database with `corruption` done to it. */
async function corrupted(corruption: string): Promise<string> {
  const url = new URL(stack.databaseUrl);
  const name = `copy_${++copies}`;
  await owner.query(`CREATE DATABASE ${name} TEMPLATE ${url.pathname.slice(1)}`);
  url.pathname = `/${name}`;
  await withDatabase(url.href, ({ pool }) => pool.query(corruption));
  return url.href;
}

async function check(url: string, options: Partial<CheckInvariantsOptions> = {}): Promise<Violation[]> {
  return withDatabase(url, (db) => checkInvariants(db, { verifySignatures: "all", ...options }));
}

function contractReader() {
  const contractAddress = Buffer.from(stack.contract.slice(2), "hex");
  return createChainReader({ rpcUrl: stack.rpcUrl, contractAddress }, 5_000);
}

const FIRST = "(SELECT id FROM app.batches WHERE state = 'anchored' ORDER BY id LIMIT 1)";
const SECOND = "(SELECT id FROM app.batches ORDER BY id OFFSET 1 LIMIT 1)";
const RENAME_VIEW = "ALTER VIEW chain.anchors RENAME TO before;";
const NO_CHECKS = "ALTER TABLE app.batches DROP CONSTRAINT batches_check;";

test("finds nothing wrong in what the pipeline made, with the contract asked too", async () => {
  expect(await check(stack.databaseUrl, { readerOf: contractReader })).toEqual([]);
});

describe("finds each corruption", () => {
  const corruptions: [InvariantKind, what: string, sql: string][] = [
    [
      "batchUnknown",
      "a batch that does not exist",
      `UPDATE app.submissions SET batch_id = gen_random_uuid() WHERE batch_id = ${FIRST} AND leaf_index = 4`,
    ],
    [
      "batchUnknown",
      "another chain's batch",
      `UPDATE app.submissions SET chain_id = 7 WHERE batch_id = ${FIRST} AND leaf_index = 4`,
    ],
    [
      "leafMisplaced",
      "swapped leaf indexes",
      `UPDATE app.submissions SET leaf_index = 1 - leaf_index WHERE batch_id = ${FIRST} AND leaf_index < 2`,
    ],
    [
      "leafMisplaced",
      "a leaf index behind the tree",
      `UPDATE app.submissions SET leaf_index = 2147483647 WHERE batch_id = ${FIRST} AND leaf_index = 4`,
    ],
    [
      "leafUnsubmitted",
      "a submission moved back to pending",
      `UPDATE app.submissions SET batch_id = NULL, leaf_index = NULL WHERE batch_id = ${FIRST} AND leaf_index = 4`,
    ],
    [
      "leafUnsubmitted",
      "a lost submission",
      `DELETE FROM app.submissions WHERE batch_id = ${FIRST} AND leaf_index = 4`,
    ],
    ["treeMissing", "a lost tree", `DELETE FROM app.batch_trees WHERE batch_id = ${FIRST}`],
    [
      "treeWrong",
      "a changed inner node",
      `UPDATE app.batch_trees SET nodes = set_byte(nodes, 32 * 5 + 3, 255 - get_byte(nodes, 32 * 5 + 3)) WHERE batch_id = ${FIRST}`,
    ],
    [
      "treeWrong",
      "a node too many",
      `UPDATE app.batch_trees SET nodes = nodes || substr(nodes, 1, 32) WHERE batch_id = ${FIRST}`,
    ],
    ["treeWrong", "another root", `UPDATE app.batches SET root = sha256(root) WHERE id = ${FIRST}`],
    [
      "treeWrong",
      "another leaf count",
      `UPDATE app.batches SET leaf_count = leaf_count - 1 WHERE id = ${FIRST}`,
    ],
    [
      "tenantsWrong",
      "a missing tenant",
      `DELETE FROM app.batch_tenants WHERE ctid = (SELECT max(ctid) FROM app.batch_tenants WHERE batch_id = ${FIRST})`,
    ],
    [
      "tenantsWrong",
      "a tenant too many",
      `INSERT INTO app.batch_tenants (tenant_id, batch_id, hashes) SELECT id, ${SECOND}, 1 FROM app.tenants ON CONFLICT DO NOTHING`,
    ],
    [
      "tenantsWrong",
      "another number of a tenant's hashes",
      `UPDATE app.batch_tenants SET hashes = hashes + 1 WHERE ctid = (SELECT max(ctid) FROM app.batch_tenants WHERE batch_id = ${FIRST})`,
    ],
    [
      "totalsWrong",
      "a batch that was not counted",
      "UPDATE app.tenant_totals SET batches = batches - 1 WHERE ctid = (SELECT max(ctid) FROM app.tenant_totals)",
    ],
    [
      "totalsWrong",
      "an anchored hash that was counted twice",
      "UPDATE app.tenant_totals SET anchored_hashes = anchored_hashes + 1 WHERE ctid = (SELECT max(ctid) FROM app.tenant_totals)",
    ],
    ["totalsWrong", "a tenant's lost counts", "DELETE FROM app.tenant_totals"],
    ["totalsWrong", "a lost month", "DELETE FROM app.monthly_hashes"],
    [
      "stateContradicted",
      "anchored without a block",
      `${NO_CHECKS} UPDATE app.batches SET block_hash = NULL WHERE id = ${FIRST}`,
    ],
    [
      "stateContradicted",
      "broadcast with an anchor",
      `${NO_CHECKS} UPDATE app.batches SET state = 'broadcast' WHERE id = ${FIRST}`,
    ],
    [
      "stateContradicted",
      "sealed with a slot",
      `${NO_CHECKS} UPDATE app.batches SET state = 'sealed' WHERE id = ${FIRST}`,
    ],
    [
      "attemptMissing",
      "a slot without its transaction",
      `${NO_CHECKS} UPDATE app.batches SET state = 'broadcast', slot_id = gen_random_uuid() WHERE id = ${FIRST}`,
    ],
    ["receiptsMissing", "lost receipts", `DELETE FROM app.batch_receipts WHERE batch_id = ${FIRST}`],
    [
      "receiptsUnexpected",
      "receipts of a batch that was taken back",
      `${NO_CHECKS} UPDATE app.batches SET state = 'broadcast' WHERE id = ${FIRST}`,
    ],
    [
      "receiptsIncomplete",
      "a signature too few",
      `UPDATE app.batch_receipts SET signatures = substr(signatures, 65) WHERE batch_id = ${FIRST}`,
    ],
    [
      "keyUnknown",
      "a lost key",
      "ALTER TABLE app.batch_receipts DROP CONSTRAINT batch_receipts_kid_fkey; DELETE FROM app.signing_keys",
    ],
    [
      "keyUnknown",
      "another key under the same id",
      "UPDATE app.signing_keys SET public_key = sha256(public_key)",
    ],
    [
      "signatureWrong",
      "a changed signature",
      `UPDATE app.batch_receipts SET signatures = set_byte(signatures, 64 * 2, 255 - get_byte(signatures, 64 * 2)) WHERE batch_id = ${FIRST}`,
    ],
    [
      "signatureWrong",
      "another block than the signed one",
      `UPDATE app.batches SET block_number = block_number + 1 WHERE id = ${FIRST}`,
    ],
    [
      "indexDisagrees",
      "another block hash",
      `UPDATE app.batches SET block_hash = sha256(block_hash) WHERE id = ${FIRST}`,
    ],
    [
      "indexDisagrees",
      "another transaction",
      `UPDATE app.batches SET tx_hash = sha256(tx_hash) WHERE id = ${FIRST}`,
    ],
    [
      "indexDisagrees",
      "an index that holds nothing",
      `${RENAME_VIEW} CREATE VIEW chain.anchors AS SELECT * FROM chain.before WHERE false`,
    ],
    [
      "earliestAmbiguous",
      "two receipts at one place in the chain",
      `UPDATE app.batches b SET block_number = f.block_number, block_timestamp = f.block_timestamp, log_index = f.log_index FROM app.batches f WHERE f.id = ${FIRST} AND b.id = ${SECOND}`,
    ],
    [
      "earliestAmbiguous",
      "two submissions of one id",
      "ALTER TABLE app.submissions DROP CONSTRAINT submissions_pkey; INSERT INTO app.submissions SELECT * FROM app.submissions LIMIT 1",
    ],
  ];

  test.for(corruptions)("%s: %s", async ([kind, , sql]) => {
    const found = await check(await corrupted(sql));
    expect(found.map((violation) => violation.kind)).toContain(kind);
  });
});

test("contractDisagrees: batch and index agree on a block that the chain does not have", async () => {
  const url = await corrupted(`
    UPDATE app.batches SET block_hash = sha256('');
    ${RENAME_VIEW}
    CREATE VIEW chain.anchors AS SELECT chain_id, publisher, root, leaf_count, block_number, block_timestamp, transaction_hash,
      log_index, gas_used, '0x' || encode(sha256(''), 'hex') AS block_hash FROM chain.before`);
  const kinds = async (options: Partial<CheckInvariantsOptions>) =>
    (await check(url, { verifySignatures: "none", ...options })).map(({ kind }) => kind);
  expect(await kinds({})).toEqual([]);
  expect(await kinds({ readerOf: contractReader })).toEqual(Array(3).fill("contractDisagrees"));
});

test("leafRepeated: a tree over the same leaf twice", async () => {
  await loadKeccak();
  const leaf = randomHash().slice(2);
  const { nodes, root } = buildTree(Buffer.from(leaf + leaf, "hex"));
  const url = await corrupted(`
    UPDATE app.batch_trees SET nodes = '\\x${Buffer.from(nodes).toString("hex")}' WHERE batch_id = ${SECOND};
    UPDATE app.batches SET root = '\\x${Buffer.from(root).toString("hex")}' WHERE id = ${SECOND}`);
  expect((await check(url)).map(({ kind }) => kind)).toContain("leafRepeated");
});

test("a sample of signatures is spread from the first leaf to the last", async () => {
  const url = await corrupted(
    `UPDATE app.batch_receipts SET signatures = set_byte(signatures, 64 * 4, 255 - get_byte(signatures, 64 * 4)) WHERE batch_id = ${FIRST}`,
  );
  const wrong = async (verifySignatures: "all" | "none" | number) =>
    (await check(url, { verifySignatures })).filter(({ kind }) => kind === "signatureWrong").length;
  expect(await wrong("all")).toBe(1);
  expect(await wrong(2)).toBe(1);
  expect(await wrong(1)).toBe(0);
  expect(await wrong("none")).toBe(0);
});

test("ends early once it has found enough", async () => {
  const url = await corrupted("DELETE FROM app.batch_receipts");
  expect(await check(url, { violationsMax: 2 })).toHaveLength(2);
});

describe("the command", () => {
  const run = async (DATABASE_URL: string, args: string[]) => {
    const command = startProcess("scripts/checkInvariants.ts", { args, env: { DATABASE_URL } });
    const { code } = await command.exited;
    // On a slow machine lines about the progress stand beside it.
    const json = command
      .output()
      .split("\n")
      .find((line) => line.startsWith("{"));
    return { code, violations: json && JSON.parse(json).violations };
  };

  test("ends with 0 when all holds", async () => {
    const args = ["--json", "--rpc", "--signatures", "3"];
    expect(await run(stack.databaseUrl, args)).toEqual({ code: 0, violations: [] });
  });

  test("ends with 1 and names what does not hold", async () => {
    const url = await corrupted(`DELETE FROM app.batch_receipts WHERE batch_id = ${FIRST}`);
    const violations = [{ kind: "receiptsMissing", contentHash: null }];
    expect(await run(url, ["--json"])).toMatchObject({ code: 1, violations });
  });

  test("ends with 2 when it cannot check", async () => {
    expect(await run("postgres://nobody@127.0.0.1:1/none", [])).toMatchObject({ code: 2 });
    expect(await run(stack.databaseUrl, ["--signatures", "-1"])).toMatchObject({ code: 2 });
    expect(await run("", [])).toMatchObject({ code: 2 });
  });
});
