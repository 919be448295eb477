import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startAnvilChain, type TestChain } from "#test/support/chains.ts";
import { openChainViews } from "#test/support/chainViews.ts";
import { startIndexer, type TestIndexer } from "#test/support/indexer.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import { startProcess } from "#test/support/process.ts";
import { deployRegistry, type TestRegistry } from "#test/support/registry.ts";
import { until } from "#test/support/until.ts";

let postgres: Awaited<ReturnType<typeof startTestPostgres>>;
let chain: TestChain;
let registry: TestRegistry;
let indexer: TestIndexer;
let views: ReturnType<typeof openChainViews>;

beforeAll(async () => {
  postgres = await startTestPostgres();
  chain = await startAnvilChain({ mining: "auto" });
  registry = await deployRegistry(chain);
  const databaseUrl = await createDatabase(postgres);
  views = openChainViews(databaseUrl);
  indexer = startIndexer({ databaseUrl, chains: [{ ...chain, contractAddress: registry.address }] });
  for (const account of [0, 0, 1]) await registry.anchor({ leafCount: 3, account });
  const { root } = await registry.anchor({ account: 1 });
  await indexer.live();
  await until(() => views.has(root));
});
afterAll(async () => {
  await indexer.stop();
  await views.close();
  await chain.stop();
  await postgres.stop();
});

async function check(args: string[] = [], rpcUrls: string[] = [chain.rpcUrl]) {
  const { url } = await indexer.live();
  const rpcs = rpcUrls.flatMap((rpcUrl) => ["--rpc", rpcUrl]);
  const checker = startProcess("scripts/checkIndex.ts", {
    args: ["--graphql", url, ...rpcs, "--contract", registry.address, "--json", ...args],
  });
  const { code } = await checker.exited;
  const answers = checker
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"));
  return { code, answer: answers[0] === undefined ? undefined : JSON.parse(answers[0]), answers };
}

type Answer = {
  _meta?: { status: Record<string, { block: { number: number } }> };
  publishers?: { items: unknown[]; pageInfo: object };
  anchors?: { items: { blockNumber: string }[]; pageInfo: object };
};
const closes: (() => unknown)[] = [];
afterEach(() => Promise.all(closes.splice(0).map((close) => close())));

/** The index as somebody presents it who alters its answers. */
async function indexThrough(alter: (answer: Answer) => unknown): Promise<string> {
  const { url } = await indexer.live();
  const server = createServer(async (request, response) => {
    const headers = { "content-type": "application/json" };
    const asked = await fetch(url, { method: "POST", headers, body: await text(request) });
    const answer = (await asked.json()) as { data: Answer };
    await alter(answer.data);
    response.writeHead(200, headers).end(JSON.stringify(answer));
  });
  closes.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Leaves the newest `count` anchors of a publisher's page out. */
const withoutNewest = (count: number) => (answer: Answer) => answer.anchors?.items.splice(-count);
/** Says of itself that it stands at `block`. */
const standingAt = (block: bigint) => (answer: Answer) => {
  for (const { block: stated } of Object.values(answer._meta?.status ?? {})) stated.number = Number(block);
};

test("protocol §3: the replayed head equals the contract's, publisher by publisher", async () => {
  const { code, answer } = await check();
  expect(code).toBe(0);
  expect(answer).toMatchObject({
    complete: true,
    verdict: "complete",
    publishers: [{ anchors: 2 }, { anchors: 2 }],
  });
});

test("protocol §3: an index that claims an old block to hide what came since is behind, not complete", async () => {
  const before = BigInt((await registry.anchor()).receipt.blockNumber);
  const { root } = await registry.anchor();
  await until(() => views.has(root));
  const url = await indexThrough((answer) => {
    standingAt(before)(answer);
    withoutNewest(1)(answer);
  });
  const { code, answer } = await check(["--graphql", url, "--publisher", registry.publisher]);
  expect(code).toBe(2);
  expect(answer).toMatchObject({ complete: false, verdict: "behind", asOfBlock: String(before) });
});

test("an index that stands at an old block is complete when its publishers anchored nothing since", async () => {
  const block = await registry.publicClient.getBlockNumber();
  await registry.mine(3);
  const url = await indexThrough(standingAt(block));
  expect((await check(["--graphql", url])).code).toBe(0);
});

test("an index that claims a block the chain has not reached yet is held against the chain's newest", async () => {
  const url = await indexThrough(standingAt(1_000_000n));
  expect((await check(["--graphql", url])).code).toBe(0);
  const short = await indexThrough((answer) => {
    standingAt(1_000_000n)(answer);
    withoutNewest(1)(answer);
  });
  expect(await check(["--graphql", short])).toMatchObject({ code: 1, answer: { verdict: "incomplete" } });
});

test("an index that takes in an anchor between any two answers is complete", async () => {
  let anchoring = Promise.resolve();
  const url = await indexThrough(() => {
    anchoring = anchoring.then(async () => {
      const { root } = await registry.anchor();
      await until(() => views.has(root));
    });
    return anchoring;
  });
  expect(await check(["--graphql", url])).toMatchObject({ code: 0, answer: { verdict: "complete" } });
});

test("an empty index proves nothing when no publisher is named", async () => {
  const url = await indexThrough((answer) => answer.publishers?.items.splice(0));
  expect(await check(["--graphql", url])).toMatchObject({
    code: 2,
    answer: { complete: false, verdict: "nothingToCheck", publishers: [] },
  });
});

test("an index that says there is another page, but not where, could not be checked", async () => {
  const url = await indexThrough((answer) => {
    if (answer.anchors) answer.anchors.pageInfo = { hasNextPage: true, endCursor: null };
  });
  expect(await check(["--graphql", url])).toMatchObject({ code: 2, answers: [] });
});

test("protocol §3: one missing anchor is found", async () => {
  const { schema } = await indexer.live();
  await views.pool.query(`ALTER TABLE ${schema}.anchors DISABLE TRIGGER USER`);
  const anchors = await views.anchors();
  const [taken] = anchors;
  const held = anchors.filter(({ publisher }) => publisher === taken!.publisher).length;
  await views.pool.query(`DELETE FROM ${schema}.anchors WHERE root = $1`, [taken!.root]);
  const { code, answer } = await check();
  expect(code).toBe(1);
  const short = answer.publishers.find((publisher: { complete: boolean }) => !publisher.complete);
  expect(short).toMatchObject({ verdict: "incomplete", anchors: held - 1 });
  expect(short.publisher.toLowerCase()).toBe(taken!.publisher);
});

test("a named publisher that the index does not know at all is found missing", async () => {
  const { schema } = await indexer.live();
  const other = chain.accounts[1]!.address;
  await views.pool.query(`DELETE FROM ${schema}.anchors WHERE publisher = $1`, [other.toLowerCase()]);
  const { code, answer } = await check(["--publisher", other]);
  expect(code).toBe(1);
  expect(answer.publishers).toMatchObject([{ anchors: 0, complete: false }]);
});

test("an endpoint that does not answer is neither complete nor incomplete", async () => {
  expect((await check([], ["http://127.0.0.1:1"])).code).toBe(2);
});

test("HA-17 of several chains each is checked and told of, and the worst decides", async () => {
  const dead = "http://127.0.0.1:1";
  const lacking = await check([], [dead, chain.rpcUrl]);
  expect(lacking).toMatchObject({ code: 1, answer: { verdict: "incomplete", chainId: chain.chainId } });
  expect(lacking.answers).toHaveLength(1);
  expect((await check([], [dead, dead])).code).toBe(2);
  expect((await check(["--contract", registry.address], [dead, dead, dead])).answers).toEqual([]);
});
