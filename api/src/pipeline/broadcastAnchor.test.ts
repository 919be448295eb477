import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { parseGwei } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bytesToHex, type Hex } from "#protocol/bytes.ts";
import { loadKeccak } from "#protocol/merkleTree.ts";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { relayAnchor } from "#test/faults/relayAnchor.ts";
import { startAnvilChain, startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import { deployRegistry, type TestRegistry } from "#test/support/registry.ts";
import { type RpcProxy, startRpcProxy } from "#test/support/rpcProxy.ts";
import { createAnchorWriter } from "../chain/anchorWriter.ts";
import { createChainReader } from "../chain/chainReader.ts";
import { registerChain } from "../chain/registerChain.ts";
import { connectDatabase, type Database } from "../db/client.ts";
import { migrateDatabase } from "../db/migrate.ts";
import { newId } from "../newId.ts";
import { pipelineSteps } from "./pipelineSteps.ts";

const RPC_TIMEOUT_MS = 10_000;
const ASK_AGAIN_AFTER_MS = 60_000;
const LIMITS = { sealIntervalMs: 0, batchLeavesMax: 1_000, resendAfterMs: 1_000, replaceAfterMs: 5_000 };

let postgres: EmbeddedPostgres;

beforeAll(async () => {
  [postgres] = await Promise.all([startTestPostgres({ durable: false }), loadKeccak()]);
});
afterAll(() => postgres.stop());

// A worker's own steps, one at a time, on a chain that mines when told to; no indexer, so what is mined stays broadcast.
describe.for([
  ["hardhat", startHardhatChain],
  ["anvil", startAnvilChain],
] as const)("broadcasting on %s", ([, start]) => {
  let chain: TestChain;
  let registry: TestRegistry;
  let rpc: RpcProxy;
  let db: Database;
  let nowMs: number;
  let run: (step: "seal" | "broadcast") => Promise<boolean>;

  beforeAll(async () => {
    chain = await start();
    registry = await deployRegistry(chain);
    await registry.testClient.setAutomine(false);
  });
  afterAll(() => chain?.stop());

  beforeEach(async () => {
    await setBaseFee("1");
    const url = await createDatabase(postgres);
    await migrateDatabase(url);
    db = connectDatabase({ url, connectionsMax: 4, statementTimeoutMs: 30_000, onError: () => {} });
    rpc = await startRpcProxy({ target: chain.rpcUrl });
    nowMs = Date.parse("2027-01-15T08:00:00Z");
    run = await worker();
  });
  afterEach(async () => {
    await db.pool.end();
    await rpc.stop();
  });

  async function worker(): Promise<typeof run> {
    const contractAddress = registry.address.toLowerCase() as Hex;
    const { chainId } = chain;
    const registered = await registerChain(db, {
      chainId,
      name: chain.name,
      rpcUrl: rpc.url,
      contractAddress,
      publisher: registry.publisher.toLowerCase() as Hex,
      confirmations: 1,
    });
    const reader = createChainReader(registered, RPC_TIMEOUT_MS);
    const { privateKey } = chain.accounts[0]!;
    const steps = pipelineSteps({
      db,
      chain: registered,
      reader,
      writer: createAnchorWriter(reader, { chainId, contractAddress, privateKey }),
      signingKey: undefined as never, // no step that signs is run
      delegateOrigins: async () => {},
      limits: LIMITS,
      clock: () => new Date(nowMs),
      logger: pino({ level: "silent" }),
    });
    return (name) => steps.find((step) => step.name === name)!.run();
  }

  type Sent = { id: string; root: Hex; leafCount: number; txHash: Hex };

  /** Seals `count` new hashes, each alone, and sends one transaction for them; resolves with their batches. */
  async function sendTogether(count: number): Promise<Sent[]> {
    for (let sealed = 0; sealed < count; sealed++) {
      await db.pool.query(
        "INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, created_at) VALUES ($1, $2, $3, $4, $5)",
        [randomBytes(32), newId(), newId(), chain.chainId, new Date(nowMs)],
      );
      await run("seal");
    }
    await run("broadcast");
    const { rows } = await db.pool.query<{ id: string; tx_hash: Buffer }>(
      "SELECT b.id, t.tx_hash FROM app.batches b JOIN app.anchor_transactions t USING (slot_id) ORDER BY b.id DESC LIMIT $1",
      [count],
    );
    return Promise.all(
      rows.map(async ({ id, tx_hash }) => ({ id, ...(await rootOf(id)), txHash: bytesToHex(tx_hash) })),
    );
  }

  const sendOne = async () => (await sendTogether(1))[0]!;

  async function rootOf(batchId: string): Promise<{ root: Hex; leafCount: number }> {
    const { rows } = await db.pool.query<{ root: Buffer; leaf_count: number }>(
      "SELECT root, leaf_count FROM app.batches WHERE id = $1",
      [batchId],
    );
    return { root: bytesToHex(rows[0]!.root), leafCount: rows[0]!.leaf_count };
  }

  /** Leaf count that the contract holds for the batch's present root; null for none. */
  async function anchoredLeafCount(batchId: string): Promise<number | null> {
    const { root } = await rootOf(batchId);
    const reader = createChainReader(
      { rpcUrl: chain.rpcUrl, contractAddress: Buffer.from(registry.address.slice(2), "hex") },
      RPC_TIMEOUT_MS,
    );
    return (await reader.anchorOf(registry.publisher, root))?.leafCount ?? null;
  }

  /** Mines a block with this base fee; each one after it asks for up to an eighth less. */
  async function setBaseFee(gwei: string): Promise<void> {
    await registry.testClient.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei(gwei) });
    await registry.mine(1);
  }

  const publisherNonce = () => registry.publicClient.getTransactionCount({ address: registry.publisher });

  /** Looks `count` times, each time after what was due is due, and with a block after each. */
  async function lookAndMine(count: number): Promise<void> {
    for (let look = 0; look < count; look++) {
      nowMs += LIMITS.replaceAfterMs;
      await run("broadcast");
      await registry.mine(1);
    }
  }

  /** Has the contract hold the batch's root with another leaf count, without a transaction of the publisher's. */
  async function takeRoot({ root, leafCount }: Sent): Promise<void> {
    const nonce = await publisherNonce();
    await relayAnchor(chain, registry.address, { root, leafCount: leafCount + 1 });
    expect(await publisherNonce()).toBe(nonce);
  }

  async function expectAnchoredOtherwise(batch: Sent): Promise<void> {
    const { root, leafCount } = await rootOf(batch.id);
    expect(root).not.toBe(batch.root);
    expect(leafCount).toBe(batch.leafCount + 1);
    expect(await anchoredLeafCount(batch.id)).toBe(leafCount);
  }

  test("what came before the contract, on a chain that began anew, is found to have anchored nothing, and sent again", async () => {
    const { id, leafCount } = await sendOne();
    const { address } = registry;
    const bytecode = (await registry.publicClient.getCode({ address }))!;
    await registry.testClient.setCode({ address, bytecode: "0x" });
    await registry.mine(1);
    await registry.testClient.setCode({ address, bytecode });
    await lookAndMine(3);
    expect(await anchoredLeafCount(id)).toBeNull();
    nowMs += ASK_AGAIN_AFTER_MS;
    await lookAndMine(3);
    expect(await anchoredLeafCount(id)).toBe(leafCount);
  });

  test("a root that was taken by signature while our transaction was lost is given up for another root", async () => {
    const batch = await sendOne();
    await registry.testClient.dropTransaction({ hash: batch.txHash });
    await takeRoot(batch);
    await lookAndMine(4);
    await expectAnchoredOtherwise(batch);
  });

  test("of several roots in a lost transaction only the one that was taken is given up, whatever the contract holds of the others", async () => {
    const [taken, anchored, other] = (await sendTogether(3)) as [Sent, Sent, Sent];
    await registry.testClient.dropTransaction({ hash: taken.txHash });
    await takeRoot(taken);
    await relayAnchor(chain, registry.address, anchored);
    await lookAndMine(6);
    await expectAnchoredOtherwise(taken);
    for (const { id, root, leafCount } of [anchored, other]) {
      expect(await rootOf(id)).toEqual({ root, leafCount });
      expect(await anchoredLeafCount(id)).toBe(leafCount);
    }
  });

  test("a root that was taken by signature while our transaction waited with too low a fee is given up for another root", async () => {
    const batch = await sendOne();
    await setBaseFee("100");
    await takeRoot(batch);
    await lookAndMine(4);
    await expectAnchoredOtherwise(batch);
  });

  describe("while the indexer is away, of many mined transactions", () => {
    const COUNT = 6;
    const KEPT = 2;
    let batches: Sent[];
    let snapshot: Hex;

    beforeEach(async () => {
      batches = [];
      for (let sent = 0; sent < COUNT; sent++) {
        if (sent === KEPT) snapshot = await registry.testClient.snapshot();
        batches.push(await sendOne());
        await registry.mine(1);
      }
      await run("broadcast");
    });

    /** Transactions whose receipts are asked for during `work`. */
    async function askedDuring(work: () => Promise<unknown>): Promise<unknown[]> {
      const before = rpc.callsTo("eth_getTransactionReceipt").length;
      await work();
      return rpc
        .callsTo("eth_getTransactionReceipt")
        .slice(before)
        .map(({ params }) => params[0]);
    }
    const look = () => run("broadcast");
    const txHashes = () => batches.map(({ txHash }) => txHash);

    test("each is asked for its receipt once, and not at every look", async () => {
      const asked = rpc.callsTo("eth_getTransactionReceipt").map(({ params }) => params[0]);
      expect(asked.toSorted()).toEqual(txHashes().toSorted());
      const again = await askedDuring(async () => {
        for (let count = 0; count < 5; count++) await look();
      });
      expect(again).toEqual([]);
    });

    test("each is asked for again after a minute, should its nonce have been used otherwise", async () => {
      nowMs += ASK_AGAIN_AFTER_MS - 1;
      expect(await askedDuring(look)).toEqual([]);
      nowMs += 1;
      expect(await askedDuring(look)).toEqual(txHashes());
      expect(await askedDuring(look)).toEqual([]);
    });

    test("those whose nonce a reorganisation has freed are asked for at once, and sent again", async () => {
      await registry.testClient.revert({ id: snapshot });
      expect(await askedDuring(look)).toEqual(txHashes().slice(KEPT));
      for (const { id } of batches.slice(KEPT)) expect(await anchoredLeafCount(id)).toBeNull();
      nowMs += LIMITS.resendAfterMs;
      await look();
      await registry.mine(1);
      for (const { id, leafCount } of batches) expect(await anchoredLeafCount(id)).toBe(leafCount);
    });
  });
});
