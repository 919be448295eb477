import { expect } from "vitest";
import { createChainReader } from "#api/chain/chainReader.ts";
import { chains } from "#api/db/chains.ts";
import { connectDatabase, type Database } from "#api/db/client.ts";
import { checkInvariants } from "#api/pipeline/checkInvariants.ts";
import type { Hex } from "#protocol/bytes.ts";
import { call, randomHash } from "#test/support/client.ts";
import type { TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";
import { rememberingRpc, rpcOf } from "#verifier/rpc.ts";
import { verifyReceipt } from "#verifier/verifyReceipt.ts";

export type Submitter = { apiUrl: string; key: string };

/** Waits long enough for everything that can be late: an index built anew, a step's longest pause after failures. */
const ANCHOR_DEADLINE_MS = 240_000;
const RPC_TIMEOUT_MS = 10_000;
const PARALLEL = 16;

/** Submits `count` new hashes in one call and answers them: the API said 202 to each. */
export async function submitBatch({ apiUrl, key }: Submitter, count: number): Promise<Hex[]> {
  const hashes = Array.from({ length: count }, randomHash);
  const answer = await call(apiUrl, "POST", "/v1/hashes/batch", {
    key,
    body: { hashes: hashes.map((hash) => ({ hash })) },
  });
  expect(answer).toMatchObject({ status: 202, body: { accepted: count } });
  return hashes;
}

/** Submits one new hash and answers it: the API said 202. */
export async function submitOne({ apiUrl, key }: Submitter): Promise<Hex> {
  const hash = randomHash();
  const answer = await call(apiUrl, "POST", "/v1/hashes", { key, body: { hash } });
  expect(answer.status).toBe(202);
  return hash;
}

export async function isAnchored({ apiUrl }: Pick<Submitter, "apiUrl">, hash: Hex): Promise<boolean> {
  const answer = await call(apiUrl, "GET", `/v1/verify/${hash}`);
  return answer.body.verified === true;
}

/** Resolves when every hash is verified as anchored. */
export async function untilAnchored(stack: Pick<Submitter, "apiUrl">, hashes: Iterable<Hex>): Promise<void> {
  await inParallel(hashes, (hash) =>
    until(() => isAnchored(stack, hash), { deadlineMs: ANCHOR_DEADLINE_MS, intervalMs: 30 }),
  );
}

/**
 * The promise: every accepted hash is anchored with a receipt that anyone can verify from the chain alone, and all invariants
 * hold, the contract asked too.
 */
export async function expectKept(stack: TestStack, accepted: Iterable<Hex>): Promise<void> {
  const hashes = [...accepted];
  await untilAnchored(stack, hashes);
  const { body: publicKey } = await call(stack.apiUrl, "GET", "/v1/public-key");
  const pins = { key: publicKey.publicKey, publisher: stack.publisher, contract: stack.contract };
  const rpc = rememberingRpc(rpcOf(stack.rpcUrl, RPC_TIMEOUT_MS));
  await inParallel(hashes, async (hash) => {
    const { body: receipt } = await call(stack.apiUrl, "GET", `/v1/receipts/${hash}`);
    const { verdict, reasons } = await verifyReceipt({ receipt, rpc, pins });
    expect({ hash, verdict, reasons }).toEqual({ hash, verdict: "valid", reasons: [] });
    expect(receipt.hash).toBe(hash);
  });
  await expectInvariants(stack);
}

/** All invariants hold, every signature and the contract included. */
export async function expectInvariants(stack: Pick<TestStack, "databaseUrl" | "rpcUrl">): Promise<void> {
  await withDatabase(stack.databaseUrl, async (db) => {
    const [chain] = await db.orm.select().from(chains);
    const reader = createChainReader({ ...chain!, rpcUrl: stack.rpcUrl }, RPC_TIMEOUT_MS);
    expect(await checkInvariants(db, { verifySignatures: "all", readerOf: () => reader })).toEqual([]);
  });
}

export async function withDatabase<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = connectDatabase({ url, connectionsMax: 2, statementTimeoutMs: 60_000, onError: () => {} });
  try {
    return await work(db);
  } finally {
    await db.pool.end();
  }
}

/** Rows of a statement, for what the API does not tell. */
export function query<Row extends object>(
  stack: Pick<TestStack, "databaseUrl">,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return withDatabase(stack.databaseUrl, async ({ pool }) => (await pool.query<Row>(sql, values)).rows);
}

export async function inParallel<T>(items: Iterable<T>, work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = [...items].values();
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}
