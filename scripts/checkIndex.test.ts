import { afterAll, beforeAll, expect, test } from "vitest";
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

async function check(args: string[] = []) {
  const { url } = await indexer.live();
  const checker = startProcess("scripts/checkIndex.ts", {
    args: ["--graphql", url, "--rpc", chain.rpcUrl, "--contract", registry.address, "--json", ...args],
  });
  const { code } = await checker.exited;
  return { code, answer: code === 2 ? undefined : JSON.parse(checker.output()) };
}

test("protocol §3: the replayed head equals the contract's, publisher by publisher", async () => {
  const { code, answer } = await check();
  expect(code).toBe(0);
  expect(answer).toMatchObject({ complete: true, publishers: [{ anchors: 2 }, { anchors: 2 }] });
});

test("protocol §3: one missing anchor is found", async () => {
  const { schema } = await indexer.live();
  await views.pool.query(`ALTER TABLE ${schema}.anchors DISABLE TRIGGER USER`);
  const [taken] = await views.anchors();
  await views.pool.query(`DELETE FROM ${schema}.anchors WHERE root = $1`, [taken!.root]);
  const { code, answer } = await check();
  expect(code).toBe(1);
  const short = answer.publishers.find((publisher: { complete: boolean }) => !publisher.complete);
  expect(short).toMatchObject({ anchors: 1 });
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
  expect((await check(["--rpc", "http://127.0.0.1:1"])).code).toBe(2);
});
