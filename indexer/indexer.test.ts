import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startAnvilChain, startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { openChainViews } from "#test/support/chainViews.ts";
import { startIndexer, type TestIndexer } from "#test/support/indexer.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import { deployRegistry, type TestRegistry } from "#test/support/registry.ts";
import { until } from "#test/support/until.ts";

let postgres: Awaited<ReturnType<typeof startTestPostgres>>;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

describe.each([
  ["hardhat", startHardhatChain],
  ["anvil", startAnvilChain],
] as const)("on %s", (name, startChain) => {
  let chain: TestChain;
  let registry: TestRegistry;
  let indexer: TestIndexer;
  let views: ReturnType<typeof openChainViews>;

  beforeAll(async () => {
    chain = await startChain({ mining: "auto" });
    registry = await deployRegistry(chain);
    const databaseUrl = await createDatabase(postgres);
    views = openChainViews(databaseUrl);
    indexer = startIndexer({
      databaseUrl,
      chains: [{ ...chain, contractAddress: registry.address, startBlock: registry.startBlock }],
    });
    await indexer.live();
  });
  afterAll(async () => {
    await indexer.stop();
    await views.close();
    await chain.stop();
  });

  test("an anchor appears with every fact of its event, block and transaction", async () => {
    const { root, receipt } = await registry.anchor({ leafCount: 4_294_967_295 });
    await until(() => views.has(root));
    const block = await registry.publicClient.getBlock({ blockHash: receipt.blockHash });
    const row = (await views.anchors()).find((anchor) => anchor.root === root);
    expect(row).toEqual({
      chain_id: "31337",
      publisher: registry.publisher.toLowerCase(),
      root,
      leaf_count: "4294967295",
      head: receipt.logs[0]!.data.slice(0, 2) + receipt.logs[0]!.data.slice(-64),
      block_number: String(receipt.blockNumber),
      block_hash: receipt.blockHash,
      block_timestamp: String(block.timestamp),
      transaction_hash: receipt.transactionHash,
      log_index: receipt.logs[0]!.logIndex,
      gas_used: String(receipt.gasUsed),
    });
  });

  test("GraphQL and /status answer anyone, in hex", async () => {
    const { root } = await registry.anchor();
    await until(() => views.has(root));
    const { url } = await indexer.live();
    const query = `{ anchor(chainId: "31337", publisher: "${registry.publisher.toLowerCase()}", root: "${root}") { leafCount } }`;
    for (const path of ["/", "/graphql"]) {
      const answer = await fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query }),
      });
      expect(await answer.json()).toEqual({ data: { anchor: { leafCount: "1" } } });
    }
    const status = await (await fetch(`${url}/status`)).json();
    expect(status).toMatchObject({ chain31337: { id: 31337 } });
  });

  test("readers who LISTEN on chain_live_query hear of each block", async () => {
    const listener = await views.pool.connect();
    const heard = new Promise<string | undefined>((resolve) => {
      listener.once("notification", ({ payload }) => resolve(payload));
    });
    await listener.query("LISTEN chain_live_query");
    await registry.anchor();
    expect(await heard).toContain("anchors");
    listener.release(true);
  });

  test("a reorganisation that makes the chain shorter takes the anchor away, and the next block brings the next one", async () => {
    const kept = await registry.anchor();
    const snapshot = await registry.testClient.snapshot();
    const removed = await registry.anchor();
    await registry.mine(2);
    await until(() => views.has(removed.root));
    await registry.testClient.revert({ id: snapshot });
    await until(async () => !(await views.has(removed.root)));
    const next = await registry.anchor();
    await until(() => views.has(next.root));
    expect(await views.has(removed.root)).toBe(false);
    expect(await views.has(kept.root)).toBe(true);
  });

  test.runIf(name === "anvil")("a reorganisation of the same length takes the anchor away", async () => {
    const removed = await registry.anchor();
    await until(() => views.has(removed.root));
    await registry.publicClient.request({ method: "anvil_reorg" as never, params: [1, []] as never });
    await until(async () => !(await views.has(removed.root)));
  });

  test("an anchor that was reorganised away and mined again has the new block's facts", async () => {
    const snapshot = await registry.testClient.snapshot();
    const first = await registry.anchor();
    await until(() => views.has(first.root));
    await registry.testClient.revert({ id: snapshot });
    await registry.mine(1);
    await until(async () => !(await views.has(first.root)));
    const second = await registry.anchor({ root: first.root });
    await until(() => views.has(first.root));
    const row = (await views.anchors()).find((anchor) => anchor.root === first.root);
    expect(row?.block_number).toBe(String(first.receipt.blockNumber + 1n));
    expect(row?.block_hash).toBe(second.receipt.blockHash);
  });
});
