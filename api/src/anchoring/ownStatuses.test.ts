import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chains } from "#api/db/chains.ts";
import { sealBatch } from "#api/pipeline/sealBatch.ts";
import { loadKeccak } from "#protocol/merkleTree.ts";
import { untilAnchored, withDatabase } from "#test/faults/accepted.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";

let stack: TestStack;
let own: string;
let others: string;
/** Hashes of which the tenant has submitted one of each state, anchored in one batch and in another that the index contradicts. */
const hashes = {
  anchored: randomHash(),
  contradicted: randomHash(),
  batched: randomHash(),
  pending: randomHash(),
  unknown: randomHash(),
  others: randomHash(),
};

beforeAll(async () => {
  await loadKeccak();
  stack = await startStack();
  [own, others] = (await Promise.all([createTenantKey(stack), createTenantKey(stack)])).map(
    ({ key }) => key,
  ) as [string, string];
  await submit(own, hashes.anchored);
  await submit(others, hashes.others);
  await untilAnchored(stack, [hashes.anchored, hashes.others]);
  await submit(own, hashes.contradicted);
  await untilAnchored(stack, [hashes.contradicted]);
  await Promise.all(stack.workers.map((worker) => worker.stop()));
  await submit(own, hashes.batched);
  await withDatabase(stack.databaseUrl, async (db) => {
    const [chain] = await db.orm.select().from(chains);
    await sealBatch(db, chain!, { sealIntervalMs: 0, batchLeavesMax: 10 }, new Date());
    await db.pool.query(
      `UPDATE app.batches SET block_hash = sha256(block_hash)
       WHERE id = (SELECT batch_id FROM app.submissions WHERE content_hash = $1)`,
      [Buffer.from(hashes.contradicted.slice(2), "hex")],
    );
  });
  await submit(own, hashes.pending);
});
afterAll(() => stack.stop());

const submit = (key: string, hash: string) =>
  call(stack.apiUrl, "POST", "/v1/hashes", { key, body: { hash } });
const statusOf = (asked: unknown, key = own) =>
  call(stack.apiUrl, "POST", "/v1/hashes/status", { key, body: { hashes: asked } });
const verify = async (hash: string) => (await call(stack.apiUrl, "GET", `/v1/verify/${hash}`)).body;

describe("HA-5 the states of own hashes", () => {
  test("are those that verify says, with transaction and time once anchored", async () => {
    const answer = await statusOf([
      hashes.pending,
      hashes.anchored,
      hashes.batched,
      hashes.contradicted,
      hashes.unknown,
    ]);
    const { anchor } = await verify(hashes.anchored);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      results: [
        { hash: hashes.pending, status: "pending" },
        {
          hash: hashes.anchored,
          status: "anchored",
          txHash: anchor.txHash,
          blockTimestamp: new Date(anchor.blockTimestamp * 1_000).toISOString(),
        },
        { hash: hashes.batched, status: "batched" },
        { hash: hashes.contradicted, status: "batched" },
        { hash: hashes.unknown, status: "not_found" },
      ],
    });
    expect((await verify(hashes.contradicted)).reason).toBe("blockHash");
  });

  test("stand in the order of the request, however often and in whatever case a hash stands in it", async () => {
    const ownHashes = Object.values(hashes).filter((hash) => hash !== hashes.others);
    const said = new Map<string, string>();
    for (const hash of ownHashes) said.set(hash, (await verify(hash)).status);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...ownHashes), fc.boolean()), { minLength: 1, maxLength: 100 }),
        async (asked) => {
          const texts = asked.map(([hash, upper]) => (upper ? `0x${hash.slice(2).toUpperCase()}` : hash));
          const { body } = await statusOf(texts);
          expect(
            body.results.map(({ hash, status }: { hash: string; status: string }) => [hash, status]),
          ).toEqual(asked.map(([hash]) => [hash, said.get(hash)]));
        },
      ),
      { numRuns: 25 },
    );
  });

  test("tell nothing of another tenant's", async () => {
    expect((await verify(hashes.others)).verified).toBe(true);
    expect((await statusOf([hashes.others])).body.results).toEqual([
      { hash: hashes.others, status: "not_found" },
    ]);
    expect((await statusOf([hashes.anchored], others)).body.results).toEqual([
      { hash: hashes.anchored, status: "not_found" },
    ]);
  });

  test("are told of 1 to 100, and a bad one is named", async () => {
    const many = Array.from({ length: 100 }, randomHash);
    expect((await statusOf(many)).body.results).toHaveLength(100);
    const cases: [unknown, string][] = [
      [[...many, randomHash()], "hashes"],
      [[], "hashes"],
      [undefined, "hashes"],
      [randomHash(), "hashes"],
      [[randomHash(), "0x12"], "hashes[1]"],
      [[randomHash(), null], "hashes[1]"],
      [[{ hash: randomHash() }], "hashes[0]"],
    ];
    for (const [asked, member] of cases) {
      const answer = await statusOf(asked);
      expect(answer).toMatchObject({ status: 400, body: { member } });
      if (member !== "hashes") expect(answer.body.error).toBe("Invalid hash format");
    }
  });

  test("need the scope query", async () => {
    const { key } = await createTenantKey(stack, { scopes: ["submit"] });
    expect((await statusOf([randomHash()], key)).status).toBe(403);
  });
});
