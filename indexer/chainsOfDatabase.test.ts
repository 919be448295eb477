import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startAnvilChain, startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { openChainViews } from "#test/support/chainViews.ts";
import { startIndexer, type TestIndexer } from "#test/support/indexer.ts";
import { createMigratedDatabase, startTestPostgres } from "#test/support/postgres.ts";
import { deployRegistry, type TestRegistry } from "#test/support/registry.ts";
import { type RpcProxy, startRpcProxy } from "#test/support/rpcProxy.ts";
import { until } from "#test/support/until.ts";

const ADDED_CHAIN_ID = 424_242;
const TAKEN_UP = { deadlineMs: 40_000 };

let postgres: Awaited<ReturnType<typeof startTestPostgres>>;
let databaseUrl: string;
let views: ReturnType<typeof openChainViews>;
let first: { chain: TestChain; registry: TestRegistry };
let added: { chain: TestChain; registry: TestRegistry; rpc: RpcProxy };
let indexer: TestIndexer;

beforeAll(async () => {
  const [server, hardhat, anvil] = await Promise.all([
    startTestPostgres(),
    startHardhatChain(),
    startAnvilChain({ chainId: ADDED_CHAIN_ID }),
  ]);
  postgres = server;
  databaseUrl = await createMigratedDatabase(postgres);
  views = openChainViews(databaseUrl);
  first = { chain: hardhat, registry: await deployRegistry(hardhat) };
  const rpc = await startRpcProxy({ target: anvil.rpcUrl });
  added = { chain: anvil, registry: await deployRegistry(anvil), rpc };
  indexer = start();
  await indexer.live();
});
afterAll(async () => {
  await indexer.stop();
  await views.close();
  await Promise.all([first.chain.stop(), added.chain.stop(), added.rpc.stop()]);
  await postgres.stop();
});

function start(): TestIndexer {
  const { chain, registry } = first;
  return startIndexer({
    databaseUrl,
    chains: [{ ...chain, contractAddress: registry.address, startBlock: registry.startBlock }],
  });
}

/** As the API writes it. */
async function addChain(rpcUrl: string): Promise<void> {
  await views.pool.query(
    `INSERT INTO app.chains (chain_id, name, rpc_url, contract_address, publisher, confirmations, start_block)
     VALUES ($1, 'added', $2, $3, $4, 1, $5)`,
    [
      ADDED_CHAIN_ID,
      rpcUrl,
      Buffer.from(added.registry.address.slice(2), "hex"),
      Buffer.from(added.registry.publisher.slice(2), "hex"),
      added.registry.startBlock,
    ],
  );
}

/** Reads as the API does until `work` is done. Answers how often the first chain's index was not to be read. */
async function readWhile(
  root: string,
  work: () => Promise<unknown>,
): Promise<{ reads: number; gaps: number }> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  let working = true;
  const counted = { reads: 0, gaps: 0 };
  const reading = (async () => {
    while (working) {
      const { rows } = await client.query(
        `SELECT FROM chain.anchors a, chain._ponder_meta m, chain._ponder_checkpoint c
         WHERE a.root = $1 AND m.value ->> 'is_ready' = '1' AND c.chain_id = $2`,
        [root, first.chain.chainId],
      );
      counted.reads++;
      if (rows.length !== 1) counted.gaps++;
    }
  })();
  await work();
  working = false;
  await reading;
  await client.end();
  return counted;
}

describe("HA-17 a chain of the database", () => {
  let before: string;

  test("is taken up while the indexer runs, and the index of the other one can be read all the time", async () => {
    const kept = await first.registry.anchor();
    const earlier = await added.registry.anchor();
    before = earlier.root;
    await until(() => views.has(kept.root));
    const { reads, gaps } = await readWhile(kept.root, async () => {
      await addChain(added.rpc.url);
      await until(() => views.has(earlier.root), TAKEN_UP);
    });
    expect(reads).toBeGreaterThan(100);
    expect(gaps).toBe(0);
    const [later, also] = [await added.registry.anchor(), await first.registry.anchor()];
    await until(async () => (await views.has(later.root)) && (await views.has(also.root)));
    const chainOf = new Map((await views.anchors()).map(({ root, chain_id }) => [root, chain_id]));
    expect(chainOf.get(later.root)).toBe(String(ADDED_CHAIN_ID));
    expect(chainOf.get(also.root)).toBe(String(first.chain.chainId));
  });

  test("stands beside the other one in GraphQL, and in what the index says of itself", async () => {
    const { url } = await indexer.live();
    const query = `{ _meta { status } anchors(where: { chainId: "${ADDED_CHAIN_ID}" }) { totalCount } }`;
    const answer = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query }),
    });
    const { data } = (await answer.json()) as { data: { _meta: { status: object }; anchors: object } };
    expect(Object.keys(data._meta.status).sort()).toEqual(["chain31337", `chain${ADDED_CHAIN_ID}`]);
    expect(data.anchors).toEqual({ totalCount: 2 });
    const { rows } = await views.pool.query("SELECT chain_id FROM chain._ponder_checkpoint ORDER BY 1");
    expect(rows).toEqual([{ chain_id: "31337" }, { chain_id: String(ADDED_CHAIN_ID) }]);
  });

  test("whose RPC is dead holds up nothing of the other one, also not at a start, and keeps what was indexed", async () => {
    const silence = added.rpc.addRule({
      method: "*",
      times: Number.POSITIVE_INFINITY,
      fault: { kind: "drop", forward: false },
    });
    await indexer.stop();
    indexer = start();
    await indexer.live();
    const { root } = await first.registry.anchor();
    await until(() => views.has(root));
    expect(await views.has(before)).toBe(true);
    const meanwhile = await added.registry.anchor();
    silence.remove();
    await until(() => views.has(meanwhile.root), TAKEN_UP);
  }, 120_000);

  test("whose RPC URL changes is asked at the new one, and its index goes on", async () => {
    await views.pool.query("UPDATE app.chains SET rpc_url = $2 WHERE chain_id = $1", [
      ADDED_CHAIN_ID,
      added.chain.rpcUrl,
    ]);
    await indexer.waitForLine(/A chain has changed or is gone/);
    await added.rpc.stop();
    const { root } = await added.registry.anchor();
    await until(() => views.has(root), TAKEN_UP);
    expect(await views.has(before)).toBe(true);
  });

  test("that is no more leaves the views, and the other one stays", async () => {
    const { root } = await first.registry.anchor();
    await until(() => views.has(root), TAKEN_UP);
    await views.pool.query("DELETE FROM app.chains WHERE chain_id = $1", [ADDED_CHAIN_ID]);
    await until(async () => !(await views.has(before)), TAKEN_UP);
    expect(await views.has(root)).toBe(true);
  });
});
