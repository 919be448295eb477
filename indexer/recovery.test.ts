import { execFileSync } from "node:child_process";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startAnvilChain, type TestChain } from "#test/support/chains.ts";
import { openChainViews } from "#test/support/chainViews.ts";
import { startIndexer, type TestIndexer } from "#test/support/indexer.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import { deployRegistry, type TestRegistry } from "#test/support/registry.ts";
import { until } from "#test/support/until.ts";

/** Ponder's words before it waits 25 s for a lock whose holder is silent. */
const WAITS_FOR_LOCK = "Schema is locked by a different Ponder app";

let postgres: Awaited<ReturnType<typeof startTestPostgres>>;
let chain: TestChain;
let registry: TestRegistry;
let databaseUrl: string;
let views: ReturnType<typeof openChainViews>;
let indexers: TestIndexer[];

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  indexers = [];
  chain = await startAnvilChain({ mining: "auto" });
  registry = await deployRegistry(chain);
  databaseUrl = await createDatabase(postgres);
  views = openChainViews(databaseUrl);
});
afterEach(async () => {
  for (const indexer of indexers) await indexer.stop();
  await views.close();
  await chain.stop();
});

function start(of: TestChain = chain, env: Record<string, string> = {}): TestIndexer {
  const { address: contractAddress, startBlock } = registry;
  const indexer = startIndexer({ databaseUrl, chains: [{ ...of, contractAddress, startBlock }], env });
  indexers.push(indexer);
  return indexer;
}

const caughtUp = () =>
  until(async () => (await views.indexedBlock()) === (await registry.publicClient.getBlockNumber()));
const roots = async () => (await views.anchors()).map((anchor) => anchor.root);

/** The Ponder that indexes; another one answers GraphQL. */
function ponderOf(indexer: TestIndexer): number {
  const found = execFileSync("pgrep", ["-P", String(indexer.pid), "-f", " start --schema "], {
    encoding: "utf8",
  });
  return Number(found);
}

test("a restart resumes in the same schema and indexes what was mined meanwhile", async () => {
  const before = await registry.anchor();
  const first = start();
  const { schema } = await first.live();
  await until(() => views.has(before.root));
  expect(await first.stop()).toEqual({ code: 0, signal: null });
  const meanwhile = await registry.anchor();
  expect((await start().live()).schema).toBe(schema);
  await until(() => views.has(meanwhile.root));
  expect(await roots()).toEqual([before.root, meanwhile.root]);
});

test("kill -9 of the launcher, and of Ponder with it: the next start waits for no lock, and the index is complete", async () => {
  const anchored = [(await registry.anchor()).root];
  let indexer = start();
  const { schema } = await indexer.live();
  const kills = [
    () => indexer.kill9(),
    async () => {
      process.kill(ponderOf(indexer), "SIGKILL");
      await indexer.kill9();
    },
  ];
  for (const kill of kills) {
    anchored.push((await registry.anchor()).root);
    await kill();
    indexer = start();
    expect((await indexer.live()).schema).toBe(schema);
    expect(indexer.output()).not.toContain(WAITS_FOR_LOCK);
    await caughtUp();
    expect(await roots()).toEqual(anchored);
  }
}, 120_000);

test("kill -9 of Ponder: the launcher starts it again in the same schema, and the index is complete", async () => {
  const before = await registry.anchor();
  const indexer = start();
  const { schema } = await indexer.live();
  await until(() => views.has(before.root));
  process.kill(ponderOf(indexer), "SIGKILL");
  const meanwhile = await registry.anchor();
  expect((await indexer.live(2)).schema).toBe(schema);
  expect(indexer.output()).not.toContain(WAITS_FOR_LOCK);
  await caughtUp();
  expect(await roots()).toEqual([before.root, meanwhile.root]);
});

test("Ponder ends with its launcher, also when that one is killed", async () => {
  const indexer = start();
  await indexer.live();
  const ponder = ponderOf(indexer);
  await indexer.kill9();
  await until(() => {
    try {
      process.kill(ponder, 0);
      return false;
    } catch {
      return true;
    }
  });
});

test("a second indexer on the same database waits, and takes over when the first ends", async () => {
  const first = start();
  const { schema } = await first.live();
  const second = start();
  await second.waitForLine(/another indexer is at work/);
  await first.kill9();
  expect((await second.live()).schema).toBe(schema);
});

test("another chain behind the same URL: nothing of the old one is served, and a fresh schema takes over", async () => {
  const old = await registry.anchor();
  const first = start();
  const { schema } = await first.live();
  await until(() => views.has(old.root));
  await first.stop();

  await chain.stop();
  chain = await startAnvilChain({ mining: "auto" });
  registry = await deployRegistry(chain);
  const fresh = await registry.anchor();
  const second = start();
  expect((await second.live()).schema).not.toBe(schema);
  await until(() => views.has(fresh.root));
  expect(await roots()).toEqual([fresh.root]);
  await until(async () => {
    const { rows } = await views.pool.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema]);
    return rows.length === 0;
  });
});

test("reorganisations deeper than Ponder's finality empty the index at once and build it anew, each time", async () => {
  const kept = [(await registry.anchor()).root];
  const indexer = start();
  const schemas = [(await indexer.live()).schema];
  for (const generation of [2, 3]) {
    const snapshot = await registry.testClient.snapshot();
    const removed = await registry.anchor();
    await registry.mine(100);
    await caughtUp();
    await registry.testClient.revert({ id: snapshot });
    kept.push((await registry.anchor()).root);
    await until(async () => !(await views.has(removed.root)));
    const { schema } = await indexer.live(generation);
    expect(schemas).not.toContain(schema);
    schemas.push(schema);
    await caughtUp();
    expect(await roots()).toEqual(kept);
  }
}, 180_000);

test("a Ponder that no longer follows the chain is started again", async () => {
  const indexer = start();
  await indexer.live();
  process.kill(ponderOf(indexer), "SIGSTOP");
  const { root } = await registry.anchor();
  await indexer.live(2);
  await until(() => views.has(root));
}, 120_000);

test("the reader role reads every view, before and after Ponder makes them anew, and nothing else", async () => {
  const admin = views.pool;
  const role = `reader_${Math.random().toString(36).slice(2)}`;
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'reader'`);
  const { root } = await registry.anchor();
  const url = Object.assign(new URL(databaseUrl), { username: role, password: "reader" }).href;
  const reader = new pg.Client({ connectionString: url });
  await reader.connect();
  for (let run = 1; run <= 2; run++) {
    const indexer = start(chain, { INDEXER_READER_ROLE: role });
    const { schema } = await indexer.live();
    await until(() => views.has(root));
    for (const view of ["anchors", "publishers", "_ponder_checkpoint", "_ponder_meta"]) {
      expect((await reader.query(`SELECT * FROM chain.${view}`)).rows).not.toEqual([]);
    }
    await expect(reader.query("DELETE FROM chain.anchors")).rejects.toMatchObject({ code: "42501" });
    await expect(reader.query(`SELECT * FROM ${schema}.anchors`)).rejects.toMatchObject({ code: "42501" });
    await indexer.stop();
  }
  await reader.end();
});

test("during a restart no read fails, and none finds the index claiming a block whose anchor it lacks", async () => {
  const { root, receipt } = await registry.anchor();
  await start().live();
  await until(() => views.has(root));
  await indexers[0]!.stop();
  let reading = true;
  const reads: { anchors: number; block: string | null; ready: string }[] = [];
  const reader = (async () => {
    while (reading) {
      const { rows } = await views.pool.query(
        `SELECT anchors, value ->> 'is_ready' AS ready, substr(latest_checkpoint, 27, 16)::bigint AS block
         FROM (SELECT count(*)::int AS anchors FROM chain.anchors), chain._ponder_meta LEFT JOIN chain._ponder_checkpoint ON true`,
      );
      reads.push(rows[0]);
    }
  })();
  await start().live();
  await until(() => views.has(root));
  reading = false;
  await reader;
  expect(reads.length).toBeGreaterThan(100);
  expect(reads.some(({ anchors }) => anchors === 0)).toBe(true);
  const untrue = reads.filter(
    ({ anchors, block, ready }) =>
      ready === "1" && BigInt(block ?? 0) >= receipt.blockNumber && anchors === 0,
  );
  expect(untrue).toEqual([]);
});
