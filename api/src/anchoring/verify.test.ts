import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHardhatChain } from "#test/support/chains.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { type RpcProxy, startRpcProxy } from "#test/support/rpcProxy.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";

type Answer = Awaited<ReturnType<typeof call>>;

const A_DAY_MS = "86400000";

let stack: TestStack;
let rpc: RpcProxy;
/** What the API said while its surroundings came up one after the other. */
const stages: Record<"noChain" | "submittedWithoutChain" | "noIndex" | "ready", Answer> = {} as never;

beforeAll(async () => {
  const chain = await startHardhatChain({ mining: { intervalMs: 200 } });
  rpc = await startRpcProxy({ target: chain.rpcUrl });
  stack = await startStack({ chain, workers: 0, indexer: false, settings: { CHAIN_RPC_URL: rpc.url } });
  stages.noChain = await get("/ready");
  stages.submittedWithoutChain = await submit(stack.adminKey, { hash: randomHash() });
  const worker = await stack.startWorker({ SEAL_INTERVAL_MS: A_DAY_MS });
  await until(async () => (await get("/ready")).body.chains.length === 1);
  stages.noIndex = await get("/ready");
  await stack.startIndexer().live();
  stages.ready = await untilAnswer(
    () => get("/ready"),
    ({ status }) => status === 200,
  );
  await worker.stop();
});
afterAll(async () => {
  await stack.stop();
  await rpc.stop();
});

const get = (path: string, key?: string) => call(stack.apiUrl, "GET", path, key ? { key } : {});
const submit = (key: string, body: object) => call(stack.apiUrl, "POST", "/v1/hashes", { key, body });
const verify = (hash: string, query = "") => get(`/v1/verify/${hash}${query}`);

/** Asks until the answer is as wanted. */
async function untilAnswer(ask: () => Promise<Answer>, isWanted: (answer: Answer) => boolean) {
  let answer = await ask();
  await until(
    async () => {
      answer = await ask();
      return isWanted(answer);
    },
    { deadlineMs: 30_000 },
  );
  return answer;
}
const untilStatus = (hash: string, status: string, key?: string) =>
  untilAnswer(
    () => (key ? get(`/v1/hashes/${hash}`, key) : verify(hash)),
    ({ body }) => body.status === status,
  );

/** Lets a worker anchor while `during` runs. */
async function withWorker<T>(during: () => Promise<T>, settings = {}): Promise<T> {
  const worker = await stack.startWorker(settings);
  try {
    return await during();
  } finally {
    await worker.stop();
  }
}

describe("the API is ready", () => {
  test("not before there is a chain; until then nothing is accepted, and the process serves", async () => {
    expect(stages.noChain).toMatchObject({
      status: 503,
      body: { ready: false, database: { reachable: true }, chains: [] },
    });
    expect(stages.submittedWithoutChain).toMatchObject({ status: 503, body: { error: expect.any(String) } });
    expect(await get("/health")).toMatchObject({ status: 200, body: { status: "ok" } });
  });

  test("not before the index has read the chain", () => {
    expect(stages.noIndex).toMatchObject({
      status: 503,
      body: {
        ready: false,
        chains: [{ chainId: stack.chainId, reachable: true, indexedBlock: null, blocksBehind: null }],
      },
    });
  });

  test("with database, chain and index, and says how far the index is behind", () => {
    const [chain] = stages.ready.body.chains;
    expect(stages.ready.body).toMatchObject({ ready: true, database: { reachable: true } });
    expect(chain).toMatchObject({ chainId: stack.chainId, reachable: true });
    expect(chain.latestBlock).toBeGreaterThan(0);
    expect(chain.blocksBehind).toBe(Math.max(0, chain.latestBlock - chain.indexedBlock));
  });

  test("not while the chain is away, and again when it is back", async () => {
    const down = rpc.addRule({ method: "*", times: Infinity, fault: { kind: "httpStatus", status: 502 } });
    const away = await untilAnswer(
      () => get("/ready"),
      ({ status }) => status === 503,
    );
    expect(away.body).toMatchObject({
      ready: false,
      database: { reachable: true },
      chains: [{ reachable: false, latestBlock: null, blocksBehind: null }],
    });
    expect((await get("/health")).status).toBe(200);
    down.remove();
    await until(async () => (await get("/ready")).status === 200);
  });
});

describe("HA-5, HA-7, HA-8 a hash of two tenants goes from pending to anchored", () => {
  const hash = randomHash();
  const onlyFirst = randomHash();
  const onlySecond = randomHash();
  let first: string;
  let second: string;
  let stranger: string;
  const said: Record<"pending" | "batched" | "anchored", Record<string, Answer>> = {} as never;

  const look = async () => ({
    verify: await verify(hash),
    receipt: await get(`/v1/receipts/${hash}`),
    own: await get(`/v1/hashes/${hash}`, first),
    strangers: await get(`/v1/hashes/${hash}`, stranger),
    batches: await get("/v1/batches", first),
  });

  beforeAll(async () => {
    [first, second, stranger] = (await Promise.all([1, 2, 3].map(() => createTenantKey(stack)))).map(
      ({ key }) => key,
    ) as [string, string, string];
    await submit(first, { hash, externalId: "one", metadata: { n: 1 } });
    await submit(second, { hash, externalId: "two" });
    await submit(first, { hash: onlyFirst });
    await submit(second, { hash: onlySecond });
    said.pending = await look();
    // The chain takes no transaction: batches are sealed and stay so.
    const closed = rpc.addRule({
      method: "eth_sendRawTransaction",
      times: Infinity,
      fault: { kind: "httpStatus", status: 502 },
    });
    await withWorker(async () => {
      await untilStatus(hash, "batched");
      said.batched = await look();
      closed.remove();
      await untilStatus(hash, "anchored");
    });
    said.anchored = await look();
  });

  test.each(["pending", "batched"] as const)("%s: nothing is verified, there is no receipt", (status) => {
    const { verify: public_, receipt, own, strangers } = said[status];
    expect(public_).toMatchObject({
      status: 200,
      body: { verified: false, status, hash, anchor: null, receipt: null },
    });
    expect(receipt).toMatchObject({ status: 404, body: { error: "Receipt not found" } });
    expect(own).toMatchObject({
      status: 200,
      body: { status, hash, externalId: "one", metadata: { n: 1 }, anchor: null, receipt: null },
    });
    expect(strangers).toMatchObject({ status: 404, body: { error: "Hash not found" } });
  });

  test("pending: in no batch; batched: in a batch with a root and no transaction", () => {
    expect(said.pending.own!.body.batch).toBeNull();
    expect(said.pending.batches!.body).toEqual({ data: [], pagination: { page: 1, limit: 20, total: 0 } });
    const [batch] = said.batched.batches!.body.data;
    expect(batch).toMatchObject({ leafCount: 3, status: "batched", txHash: null, blockNumber: null });
    const { id, merkleRoot, status } = batch;
    expect(said.batched.own!.body.batch).toEqual({ id, merkleRoot, status });
  });

  test("anchored: verified, with anchor and receipt, and the batch in one word with them", () => {
    const { verify: public_, receipt, own, strangers } = said.anchored;
    expect(public_).toMatchObject({ status: 200, body: { verified: true, status: "anchored", hash } });
    const { anchor } = public_!.body;
    expect(anchor).toEqual({
      txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      blockNumber: expect.any(Number),
      blockTimestamp: expect.any(Number),
      chainId: stack.chainId,
      contractAddress: stack.contract,
      onChainTimestamp: anchor.blockTimestamp,
    });
    expect(["included", "safe", "finalized"]).toContain(public_!.body.finality);
    expect(receipt).toMatchObject({ status: 200, body: public_!.body.receipt });
    expect(receipt!.body.anchor).toMatchObject({
      txHash: anchor.txHash,
      blockNumber: anchor.blockNumber,
      publisher: stack.publisher,
      leafCount: 3,
    });
    expect(own!.body).toMatchObject({ status: "anchored", anchor, receipt: receipt!.body });
    expect(own!.body.batch).toMatchObject({ status: "anchored", merkleRoot: receipt!.body.merkleRoot });
    expect(strangers!.status).toBe(404);
  });

  test("a batch that two tenants share shows each its own hashes, and a third nothing", async () => {
    const { id } = said.anchored.own!.body.batch;
    const listed = said.anchored.batches!.body.data[0];
    const mine = await get(`/v1/batches/${id}`, first);
    expect(mine).toMatchObject({ status: 200, body: { ...listed, status: "anchored", leafCount: 3 } });
    expect(mine.body.gasUsed).toMatch(/^[1-9]\d+$/);
    expect(mine.body.blockTimestamp).toBe(said.anchored.verify!.body.anchor.blockTimestamp);
    expect(mine.body.hashes).toEqual([
      {
        id: said.pending.own!.body.id,
        hash,
        status: "anchored",
        externalId: "one",
        createdAt: said.pending.own!.body.createdAt,
      },
      expect.objectContaining({ hash: onlyFirst, externalId: null }),
    ]);
    const theirs = await get(`/v1/batches/${id}`, second);
    expect(theirs.body.hashes).toMatchObject([{ hash, externalId: "two" }, { hash: onlySecond }]);
    for (const batchId of [id, "0190aaaa-0000-7000-8000-000000000000", "batch"])
      expect(await get(`/v1/batches/${batchId}`, stranger)).toMatchObject({
        status: 404,
        body: { error: "Batch not found" },
      });
    expect((await get("/v1/batches", stranger)).body.pagination.total).toBe(0);
  });

  test("a later submission is anchored in a batch of its own, and the earliest goes on answering", async () => {
    await submit(stranger, { hash });
    await submit(stranger, { hash: randomHash() });
    // Anchored already by others, pending for this tenant.
    expect((await get(`/v1/hashes/${hash}`, stranger)).body.status).toBe("pending");
    expect((await verify(hash)).body).toMatchObject({
      verified: true,
      receipt: said.anchored.receipt!.body,
    });
    const later = await withWorker(() => untilStatus(hash, "anchored", stranger));
    expect(later.body.receipt.merkleRoot).not.toBe(said.anchored.receipt!.body.merkleRoot);
    expect(later.body.anchor.blockNumber).toBeGreaterThan(said.anchored.verify!.body.anchor.blockNumber);
    expect((await get(`/v1/receipts/${hash}`)).body).toEqual(said.anchored.receipt!.body);
    expect((await get(`/v1/hashes/${hash}`, second)).body.receipt).toEqual(said.anchored.receipt!.body);
  });

  test("HA-8 ?check=rpc asks the contract: agreeing, or a 503 while the chain is away", async () => {
    const before = rpc.callsTo("eth_call").length;
    expect(await verify(hash, "?check=rpc")).toMatchObject({ status: 200, body: { verified: true } });
    expect(rpc.callsTo("eth_call").length).toBe(before + 1);
    const down = rpc.addRule({ method: "*", times: Infinity, fault: { kind: "drop", forward: false } });
    const asked = await verify(hash, "?check=rpc");
    expect(asked).toMatchObject({ status: 503, body: { error: expect.any(String) } });
    expect(asked.headers.get("Retry-After")).toBe("1");
    expect(await verify(hash)).toMatchObject({ status: 200, body: { verified: true } });
    down.remove();
    expect(await verify(hash, "?check=else")).toMatchObject({ status: 400, body: { member: "check" } });
  });

  test.each([
    ["leaf_count", "leaf_count = leaf_count + 1", "leafCount"],
    ["block_hash", "block_hash = sha256(block_hash)", "blockHash"],
    ["root", "root = sha256(root)", "notIndexed"],
    ["publisher", "publisher = substr(sha256(publisher), 1, 20)", "notIndexed"],
  ])(
    "protocol §5: a batch whose %s differs from the index is not verified, and the log says so",
    async (_column, set, reason) => {
      const client = await databaseClient();
      const { id } = said.anchored.own!.body.batch;
      const kept = await client.query(
        "SELECT leaf_count, block_hash, root, publisher FROM app.batches WHERE id = $1",
        [id],
      );
      await client.query(`UPDATE app.batches SET ${set} WHERE id = $1`, [id]);
      try {
        const answer = await verify(onlyFirst);
        expect(answer).toMatchObject({
          status: 200,
          body: { verified: false, anchor: null, receipt: null, reason },
        });
        expect((await get(`/v1/receipts/${onlyFirst}`)).status).toBe(404);
        expect((await get(`/v1/hashes/${onlyFirst}`, first)).body).toMatchObject({ receipt: null, reason });
        const theirs = await get(`/v1/batches/${id}`, first);
        expect(theirs.body).toMatchObject({ status: "batched", txHash: null, gasUsed: null });
        expect(theirs.body.hashes[0].status).toBe("batched");
        expect((await get("/v1/batches", first)).body.data[0]).toMatchObject({
          status: "batched",
          blockNumber: null,
        });
        await stack.api.waitForLine(new RegExp(`"batchId":"${id}".*"failed":"${reason}"`));
      } finally {
        const { leaf_count, block_hash, root, publisher } = kept.rows[0];
        await client.query(
          "UPDATE app.batches SET leaf_count = $2, block_hash = $3, root = $4, publisher = $5 WHERE id = $1",
          [id, leaf_count, block_hash, root, publisher],
        );
        await client.end();
      }
      expect((await verify(onlyFirst)).body.verified).toBe(true);
    },
  );

  test("protocol §5: a contract that says otherwise is believed, when it is asked", async () => {
    const nothing = `0x${"0".repeat(64 * 3)}`;
    const lying = rpc.addRule({
      method: "eth_call",
      times: Infinity,
      fault: { kind: "garbage", body: JSON.stringify({ jsonrpc: "2.0", id: 1, result: nothing }) },
    });
    expect(await verify(hash, "?check=rpc")).toMatchObject({
      status: 200,
      body: { verified: false, reason: "contractNotAnchored", receipt: null },
    });
    lying.remove();
    expect((await verify(hash, "?check=rpc")).body.verified).toBe(true);
  });

  test("HA-8 a chain without the contract says nothing: a 503, and not that the hash is not anchored", async () => {
    const gone = rpc.addRule({
      method: "eth_call",
      times: Infinity,
      fault: { kind: "garbage", body: JSON.stringify({ jsonrpc: "2.0", id: 1, result: "0x" }) },
    });
    const asked = await verify(hash, "?check=rpc");
    expect(asked).toMatchObject({ status: 503, body: { error: expect.any(String) } });
    expect(asked.headers.get("Retry-After")).toBe("1");
    gone.remove();
  });
});

async function databaseClient(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  return client;
}

describe("HA-7 batches are paged", () => {
  test.each([
    "page=0",
    "page=-1",
    "page=1.5",
    "page=x",
    "page=",
    "limit=0",
    "limit=101",
    "limit=1e1",
    "limit=",
  ])("?%s is a 400 that names the member", async (query) => {
    const { key } = await createTenantKey(stack);
    const answer = await get(`/v1/batches?${query}`, key);
    expect(answer).toMatchObject({ status: 400, body: { member: query.split("=")[0] } });
  });

  test("the newest first, each once, with the total on every page", async () => {
    const { key } = await createTenantKey(stack);
    const hashes = [randomHash(), randomHash(), randomHash()];
    await withWorker(async () => {
      for (const hash of hashes) {
        await submit(key, { hash });
        await until(async () => (await get(`/v1/hashes/${hash}`, key)).body.status !== "pending");
      }
    });
    const all = (await get("/v1/batches?limit=100", key)).body;
    expect(all.pagination).toEqual({ page: 1, limit: 100, total: 3 });
    const own = await Promise.all(hashes.map((hash) => get(`/v1/hashes/${hash}`, key)));
    expect(all.data.map(({ id }: { id: string }) => id)).toEqual(
      own.map(({ body }) => body.batch.id).toReversed(),
    );
    const pages = await Promise.all([1, 2, 3].map((page) => get(`/v1/batches?limit=2&page=${page}`, key)));
    expect(pages.map(({ body }) => body.data)).toEqual([all.data.slice(0, 2), all.data.slice(2), []]);
    expect(pages.map(({ body }) => body.pagination.total)).toEqual([3, 3, 3]);
  });
});

describe("a hash that", () => {
  test("nobody submitted is not found, and public answers say its word", async () => {
    const hash = randomHash();
    expect(await verify(`0x${hash.slice(2).toUpperCase()}`)).toMatchObject({
      status: 404,
      body: { verified: false, status: "not_found", hash },
    });
    expect((await get(`/v1/receipts/${hash}`)).body).toEqual({ error: "Receipt not found" });
  });

  test.each(["0x12", "12".repeat(32), `0x${"g".repeat(64)}`, `0x${"12".repeat(33)}`, "%00", "x"])(
    "is malformed is a 400: %s",
    async (text) => {
      for (const path of ["verify", "receipts", "hashes"])
        expect(await get(`/v1/${path}/${text}`, stack.adminKey)).toMatchObject({
          status: 400,
          body: { error: "Invalid hash format" },
        });
    },
  );
});
