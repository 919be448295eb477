import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { exportText } from "#test/support/exports.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";
import { verifyReceipt } from "#verifier/verifyReceipt.ts";

const PUBLIC_URL = "https://anchor.example";

type Exported = Record<string, unknown> & { hash: string; receipt: AnchorReceipt };

let stack: TestStack;
let tenant: { key: string; apiUrl: string };
let stranger: { key: string; apiUrl: string };
let hashes: string[];
/** Of another tenant's earlier batch too. */
let shared: string;

beforeAll(async () => {
  stack = await startStack({ settings: { PUBLIC_URL, SEAL_INTERVAL_MS: "50" } });
  tenant = { ...(await createTenantKey(stack)), apiUrl: stack.apiUrl };
  stranger = { ...(await createTenantKey(stack)), apiUrl: stack.apiUrl };
  shared = randomHash();
  await anchor(stranger.key, [shared, randomHash()]);
  const calls = [1, 7, 100, 33].map((count) => Array.from({ length: count }, randomHash));
  for (const call of calls) await anchor(tenant.key, call);
  hashes = calls.flat();
  await anchor(tenant.key, [shared]);
});
afterAll(() => stack.stop());

async function anchor(key: string, some: string[]): Promise<void> {
  const body = { hashes: some.map((hash) => ({ hash })) };
  expect((await call(stack.apiUrl, "POST", "/v1/hashes/batch", { key, body })).status).toBe(202);
  for (const hash of some) await until(async () => (await own(hash, key)).receipt, { deadlineMs: 30_000 });
}
const own = async (hash: string, key = tenant.key) =>
  (await call(stack.apiUrl, "GET", `/v1/hashes/${hash}`, { key })).body;

test("HA-12 an export of receipts has each as GET /v1/receipts/:hash gives it, text for text, and valid for the verifier", async () => {
  const exported: Exported[] = JSON.parse(await exportText(tenant, { type: "receipts", format: "json" }));
  expect(exported.map(({ hash }) => hash)).toEqual([...hashes, shared]);
  for (const { hash, receipt, ...columns } of exported) {
    const { chainId, contractAddress, txHash, blockNumber, blockTimestamp, leafIndex, leafCount } =
      receipt.anchor;
    expect(columns).toEqual({
      merkleRoot: receipt.merkleRoot,
      chainId,
      contractAddress,
      txHash,
      blockNumber,
      blockTimestamp,
      leafIndex,
      leafCount,
      signature: receipt.signature,
    });
    expect(receipt["@context"]).toBe(`${PUBLIC_URL}/receipt/v1`);
    if (hash === shared) continue;
    const served = await (await fetch(`${stack.apiUrl}/v1/receipts/${hash}`)).text();
    expect(JSON.stringify(receipt)).toBe(served);
  }
  for (const { receipt } of [exported[0]!, exported[5]!, exported[60]!, exported.at(-1)!]) {
    const pins = { publisher: stack.publisher, contract: stack.contract };
    const { verdict, reasons } = await verifyReceipt({ receipt, rpc: stack.rpcUrl, pins });
    expect({ verdict, reasons }).toEqual({ verdict: "valid", reasons: [] });
  }
});

test("HA-12 a hash that another tenant anchored earlier is exported with the tenant's own receipt", async () => {
  const [mine, theirs] = await Promise.all(
    [tenant, stranger].map(async (one) => {
      const rows: Exported[] = JSON.parse(await exportText(one, { type: "receipts", format: "json" }));
      return rows.find(({ hash }) => hash === shared)!.receipt;
    }),
  );
  expect(mine).toEqual((await own(shared)).receipt);
  expect(theirs).toEqual((await own(shared, stranger.key)).receipt);
  expect(mine!.anchor.txHash).not.toBe(theirs!.anchor.txHash);
});

test("HA-12 receipts as CSV: the whole receipt is in the last cell, and a signature never begins a formula", async () => {
  const csv = await exportText(tenant, { type: "receipts" });
  const json: Exported[] = JSON.parse(await exportText(tenant, { type: "receipts", format: "json" }));
  const rows = parse(csv, { columns: true }) as Record<string, string>[];
  expect(Object.keys(rows[0]!).join()).toBe(
    "hash,merkleRoot,chainId,contractAddress,txHash,blockNumber,blockTimestamp,leafIndex,leafCount,signature,receipt",
  );
  expect(rows.map(({ receipt }) => receipt)).toEqual(json.map(({ receipt }) => JSON.stringify(receipt)));
  expect(rows.map(({ signature }) => signature)).toEqual(
    json.map(({ receipt }) => receipt.signature.replace(/^\+/, "'+")),
  );
  expect(rows.map(({ blockTimestamp }) => Number(blockTimestamp))).toEqual(
    json.map(({ receipt }) => receipt.anchor.blockTimestamp),
  );
});

test("HA-12 an export of anchored hashes has each one's anchor, and the block's own time", async () => {
  const exported = JSON.parse(
    await exportText(tenant, { format: "json", filters: { status: "anchored" } }),
  ) as Record<string, unknown>[];
  expect(exported).toHaveLength(hashes.length + 1);
  for (const row of exported.filter((_, place) => place % 20 === 0)) {
    const { batch, anchor } = await own(row.hash as string);
    expect(row).toMatchObject({
      status: "anchored",
      batchId: batch.id,
      merkleRoot: batch.merkleRoot,
      txHash: anchor.txHash,
      blockNumber: anchor.blockNumber,
      anchoredAt: new Date(anchor.blockTimestamp * 1_000).toISOString(),
    });
  }
});

test("HA-12 what waits for its anchor has no receipt to export; other states have none at all", async () => {
  for (const status of ["pending", "batched", "failed"])
    expect(await exportText(tenant, { type: "receipts", format: "json", filters: { status } })).toBe("[]\n");
  const anchored = await exportText(tenant, {
    type: "receipts",
    format: "json",
    filters: { status: "anchored" },
  });
  expect(JSON.parse(anchored)).toHaveLength(hashes.length + 1);
});
