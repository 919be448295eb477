import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadKeccak } from "#protocol/merkleTree.ts";
import { startTestApi, type TestApi, UNREACHABLE_CHAIN_ID } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import type { Chain } from "../chain/chainDirectory.ts";
import { registerChain } from "../chain/registerChain.ts";
import { chains } from "../db/chains.ts";
import { connectDatabase, type Database } from "../db/client.ts";
import { withTransaction } from "../db/transaction.ts";
import { type AnchorColumns, type BatchState, moveBatches } from "../pipeline/batchState.ts";
import { checkInvariants } from "../pipeline/checkInvariants.ts";
import { sealBatch } from "../pipeline/sealBatch.ts";

let api: TestApi;
let db: Database;
let allChains: Chain[];

const OTHER_CHAIN_ID = 5;
const SEAL = { sealIntervalMs: 0, batchLeavesMax: 7 };

beforeAll(async () => {
  await loadKeccak();
  api = await startTestApi();
  await registerChain(api.db, {
    chainId: OTHER_CHAIN_ID,
    name: "other",
    rpcUrl: "http://127.0.0.1:9",
    contractAddress: `0x${"c1".repeat(20)}`,
    publisher: `0x${"b1".repeat(20)}`,
    confirmations: 1,
  });
  db = connectDatabase({
    url: api.databaseUrl,
    connectionsMax: 10,
    statementTimeoutMs: 30_000,
    onError: () => {},
  });
  allChains = await db.orm.select().from(chains);
});
afterAll(async () => {
  await db.pool.end();
  await api.stop();
});

type Tenant = Awaited<ReturnType<typeof createTenantKey>>;

const stats = async ({ key }: Tenant) => (await call(api.apiUrl, "GET", "/v1/stats", { key })).body;
const NOTHING = {
  totalHashes: 0,
  pendingHashes: 0,
  anchoredHashes: 0,
  totalBatches: 0,
  failedBatches: 0,
  monthlyHashes: 0,
};

async function submit({ key }: Tenant, hashes: string[], chainId = UNREACHABLE_CHAIN_ID) {
  const body = { hashes: hashes.map((hash) => ({ hash })), chainId };
  const answer = await call(api.apiUrl, "POST", "/v1/hashes/batch", { key, body });
  expect(answer.status).toBe(202);
}

const seal = (chain: Chain) => sealBatch(db, chain, SEAL, new Date());

/** Moves some of the batches in a state, as worker steps do. */
async function move(from: BatchState, to: BatchState, share: number): Promise<void> {
  const { rows } = await db.pool.query<{ id: string }>("SELECT id FROM app.batches WHERE state = $1", [from]);
  const ids = rows.filter((_, index) => index % share === 0).map(({ id }) => id);
  await withTransaction(db, (tx) =>
    moveBatches(tx, ids, from, to, to === "anchored" ? { anchor: anchor() } : {}),
  );
}

function anchor(): AnchorColumns {
  return {
    txHash: randomBytes(32),
    blockNumber: 7,
    blockHash: randomBytes(32),
    blockTimestamp: 1_800_000_000,
    logIndex: 0,
    gasUsed: "54000",
    anchoredAt: new Date(),
  };
}

async function recount({ tenantId }: Tenant) {
  const { rows } = await db.pool.query(
    `SELECT count(*) AS "totalHashes", count(*) FILTER (WHERE b.state IS DISTINCT FROM 'anchored') AS "pendingHashes",
       count(*) FILTER (WHERE b.state = 'anchored') AS "anchoredHashes", count(DISTINCT b.id) AS "totalBatches",
       count(*) FILTER (WHERE s.created_at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC') AS "monthlyHashes"
     FROM app.submissions s LEFT JOIN app.batches b ON b.id = s.batch_id WHERE s.tenant_id = $1`,
    [tenantId],
  );
  return { ...rows[0], failedBatches: 0 };
}

async function totalsWrong(): Promise<string[]> {
  const found = await checkInvariants(db, { verifySignatures: "none" });
  return found.filter(({ kind }) => ["totalsWrong", "tenantsWrong"].includes(kind)).map(({ kind }) => kind);
}

type Step = { kind: string; tenant: number; count: number; shared: boolean };
const step = fc.record<Step>({
  kind: fc.constantFrom("submit", "submit", "seal", "broadcast", "anchor", "takeBack", "release"),
  tenant: fc.nat({ max: 2 }),
  count: fc.integer({ min: 1, max: 12 }),
  shared: fc.boolean(),
});

function run({ kind, tenant, count, shared }: Step, tenants: Tenant[], known: string[]): Promise<unknown> {
  const chain = allChains[count % 2]!;
  const hashes = Array.from({ length: count }, (_, index) => (shared ? known[index]! : randomHash()));
  if (kind === "submit") return submit(tenants[tenant]!, hashes, chain.chainId);
  if (kind === "seal") return seal(chain);
  if (kind === "broadcast") return move("sealed", "broadcast", 1 + (count % 2));
  if (kind === "anchor") return move("broadcast", "anchored", 1 + (count % 3));
  if (kind === "takeBack") return move("anchored", "broadcast", 1 + (count % 3));
  return move("broadcast", "sealed", 2);
}

const newTenants = () => Promise.all([1, 2, 3].map(() => createTenantKey(api)));

describe("HA-6 statistics", () => {
  test("of a tenant that did nothing yet are all 0", async () => {
    expect(await stats(await createTenantKey(api))).toEqual(NOTHING);
  });

  test("follow a hash from accepted to anchored, and back when its block is gone; another tenant's stay", async () => {
    const [tenant, other] = await newTenants();
    const [first, second] = [randomHash(), randomHash()];
    await submit(other!, [first]);
    await submit(tenant!, [first, second, first]);
    const accepted = { ...NOTHING, totalHashes: 2, pendingHashes: 2, monthlyHashes: 2 };
    expect(await stats(tenant!)).toEqual(accepted);
    while ((await seal(allChains.find(({ chainId }) => chainId === UNREACHABLE_CHAIN_ID)!)) !== null);
    expect(await stats(tenant!)).toEqual({ ...accepted, totalBatches: 1 });
    await move("sealed", "broadcast", 1);
    expect(await stats(tenant!)).toEqual({ ...accepted, totalBatches: 1 });
    await move("broadcast", "anchored", 1);
    const anchored = { ...accepted, totalBatches: 1, pendingHashes: 0, anchoredHashes: 2 };
    expect(await stats(tenant!)).toEqual(anchored);
    expect(await stats(other!)).toMatchObject({ totalHashes: 1, anchoredHashes: 1 });
    await move("anchored", "broadcast", 1);
    expect(await stats(tenant!)).toEqual({ ...accepted, totalBatches: 1 });
  });

  test("equal a recount after any operations", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const tenants = await newTenants();
        const known = Array.from({ length: 12 }, randomHash);
        for (const one of steps) {
          await run(one, tenants, known);
          for (const tenant of tenants) expect(await stats(tenant)).toEqual(await recount(tenant));
        }
      }),
      { numRuns: 8 },
    );
    expect(await totalsWrong()).toEqual([]);
  });

  test("equal a recount after operations at once, and never say more than there is meanwhile", async () => {
    const tenants = await newTenants();
    const known = Array.from({ length: 12 }, randomHash);
    const steps = fc.sample(step, 150);
    const looks: Awaited<ReturnType<typeof stats>>[] = [];
    let isDone = false;
    const looking = (async () => {
      while (!isDone) for (const tenant of tenants) looks.push(await stats(tenant));
    })();
    const queue = steps.values();
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        for (const one of queue) await run(one, tenants, known);
      }),
    );
    isDone = true;
    await looking;
    for (const tenant of tenants) expect(await stats(tenant)).toEqual(await recount(tenant));
    for (const { totalHashes, pendingHashes, anchoredHashes } of looks) {
      expect(pendingHashes + anchoredHashes).toBe(totalHashes);
      expect(Math.min(pendingHashes, anchoredHashes)).toBeGreaterThanOrEqual(0);
    }
    expect(await totalsWrong()).toEqual([]);
  });

  test("count a month's hashes apart from those of the months before", async () => {
    const tenant = await createTenantKey(api);
    await submit(tenant, [randomHash(), randomHash()]);
    await db.pool.query(
      "UPDATE app.monthly_hashes SET month = month - interval '1 month' WHERE tenant_id = $1",
      [tenant.tenantId],
    );
    await submit(tenant, [randomHash()]);
    expect(await stats(tenant)).toMatchObject({ totalHashes: 3, monthlyHashes: 1 });
    await db.pool.query("DELETE FROM app.monthly_hashes WHERE tenant_id = $1", [tenant.tenantId]);
    expect(await totalsWrong()).toEqual(["totalsWrong"]);
    await db.pool.query(
      "INSERT INTO app.monthly_hashes SELECT tenant_id, date_trunc('month', now() AT TIME ZONE 'UTC'), 3 FROM (SELECT $1::uuid AS tenant_id) t",
      [tenant.tenantId],
    );
    expect(await totalsWrong()).toEqual([]);
  });
});

test("HA-6 a counter that is off by one is found", async () => {
  const tenant = await createTenantKey(api);
  await submit(tenant, [randomHash()]);
  while ((await seal(allChains.find(({ chainId }) => chainId === UNREACHABLE_CHAIN_ID)!)) !== null);
  const where = `WHERE tenant_id = '${tenant.tenantId}'`;
  for (const [column, kind] of [
    ["tenant_totals SET batches = batches", "totalsWrong"],
    ["tenant_totals SET anchored_hashes = anchored_hashes", "totalsWrong"],
    ["monthly_hashes SET hashes = hashes", "totalsWrong"],
    ["batch_tenants SET hashes = hashes", "tenantsWrong"],
  ]) {
    await db.pool.query(`UPDATE app.${column} + 1 ${where}`);
    expect(await totalsWrong()).toEqual([kind]);
    await db.pool.query(`UPDATE app.${column} - 1 ${where}`);
  }
  expect(await totalsWrong()).toEqual([]);
});
