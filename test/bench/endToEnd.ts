import { until } from "#test/support/until.ts";
import { createTenant, type Tenant } from "./apiKeys.ts";
import { randomHash } from "./contentHashes.ts";
import { loadWithoutErrors } from "./measure.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";

const connections = 64;
const hashesPerCall = 100;
const anchorDeadlineMs = 10 * 60_000;
const unlimitedSeconds = 3_600; // the load ends with its last request

/** All hashes submitted in batches of 100, until every receipt has been fetched; reported, not promised. */
export async function run({
  startStack,
  hashCount = 100_000,
}: {
  startStack: StartStack;
  hashCount?: number;
}): Promise<Row[]> {
  return withStack(startStack, async (stack) => {
    const tenant = await createTenant(stack, connections);
    const hashes = Array.from({ length: hashCount }, randomHash);
    const startMs = performance.now();
    await submitAll(stack, tenant, hashes);
    const submittedMs = performance.now();
    await until(async () => (await anchoredLeaves(stack, tenant)) === hashCount, {
      deadlineMs: anchorDeadlineMs,
      intervalMs: 100,
    });
    const anchoredMs = performance.now();
    const receiptsPerSecond = await fetchAllReceipts(stack, hashes);

    const size = hashCount.toLocaleString("en");
    const endToEndSeconds = (anchoredMs - startMs) / 1000;
    return [
      reported(
        `${size} hashes, first submission to last receipt`,
        perSecond(hashCount / endToEndSeconds, "leaves"),
      ),
      reported(
        `${size} hashes, last submission to last receipt`,
        `${((anchoredMs - submittedMs) / 1000).toFixed(1)} s`,
      ),
      reported(`${size} receipts, each fetched once and found`, perSecond(receiptsPerSecond, "receipts")),
    ];
  });
}

async function submitAll(stack: Stack, { keys }: Tenant, hashes: readonly string[]): Promise<void> {
  await loadWithoutErrors({
    url: stack.apiUrl,
    seconds: unlimitedSeconds,
    warmupSeconds: 0,
    connections,
    distinct: Math.ceil(hashes.length / hashesPerCall),
    expectStatus: 202,
    request: (call) => ({
      method: "POST",
      path: "/v1/hashes/batch",
      headers: { "x-api-key": keys[call % connections]! },
      body: JSON.stringify({
        hashes: hashes.slice(call * hashesPerCall, (call + 1) * hashesPerCall).map((hash) => ({ hash })),
      }),
    }),
  });
}

type BatchList = { data: { leafCount: number; status: string }[]; pagination: { total: number } };

/** Leaves of the tenant's anchored batches; a batch is anchored once its receipts can be fetched. */
async function anchoredLeaves(stack: Stack, { keys }: Tenant): Promise<number> {
  let leaves = 0;
  for (let page = 1, total = 1; (page - 1) * 100 < total; page++) {
    const headers = { "x-api-key": keys[page % connections]! };
    const response = await fetch(new URL(`/v1/batches?page=${page}&limit=100`, stack.apiUrl), { headers });
    if (response.status !== 200)
      throw new Error(`/v1/batches answered ${response.status}: ${await response.text()}`);
    const list = (await response.json()) as BatchList;
    total = list.pagination.total;
    for (const batch of list.data) if (batch.status === "anchored") leaves += batch.leafCount;
  }
  return leaves;
}

/** @returns receipts per second. @throws {Error} unless every hash has its receipt. */
async function fetchAllReceipts(stack: Stack, hashes: readonly string[]): Promise<number> {
  const result = await loadWithoutErrors({
    url: stack.apiUrl,
    seconds: unlimitedSeconds,
    warmupSeconds: 0,
    connections,
    distinct: hashes.length,
    request: (i) => ({ method: "GET", path: `/v1/receipts/${hashes[i]}` }),
  });
  if (result.requests !== hashes.length)
    throw new Error(`${result.requests} of ${hashes.length} receipts were fetched`);
  return result.requestsPerSecond;
}

function reported(name: string, measured: string): Row {
  return { name, measured, baseline: "", ratio: Number.NaN, promise: "" };
}

function perSecond(rate: number, unit: string): string {
  return `${Math.round(rate).toLocaleString("en")} ${unit}/s`;
}
