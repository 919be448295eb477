import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLeafDescriber } from "#api/anchoring/describeLeaf.ts";
import { createEarliestLeafFinder } from "#api/anchoring/findLeaves.ts";
import { createPathReader } from "#api/anchoring/readPaths.ts";
import { createChainDirectory } from "#api/chain/chainDirectory.ts";
import { createChainReader } from "#api/chain/chainReader.ts";
import { readIndexedUpTo } from "#api/chain/indexedAnchors.ts";
import type { Database } from "#api/db/client.ts";
import { type Hex, hexToBytes } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { startAnvilChain, startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";
import { verifyReceipt } from "#verifier/verifyReceipt.ts";
import { expectKept, isAnchored, query, type Submitter, submitOne, withDatabase } from "./accepted.ts";
import { askNode, mine, pauseMining } from "./askNode.ts";
import { type Said, watchVerify } from "./watchVerify.ts";

const CONFIRMATIONS = 3;
const RPC_TIMEOUT_MS = 10_000;

const chains = [
  {
    name: "Hardhat, evm_revert",
    start: () => startHardhatChain({ mining: { intervalMs: 200 } }),
    /** What a verifier says of the removed anchor. This node calls its newest block final. */
    refusal: { verdict: "invalid", reasons: expect.arrayContaining(["blockNotCanonical"]) },
    /** Prepares to remove all that is mined from now on. */
    async prepare(stack: TestStack) {
      const snapshot = await askNode(stack, "evm_snapshot");
      return async () => {
        await askNode(stack, "evm_revert", [snapshot]);
        // The same transaction in a block of the same second would make the same block.
        await askNode(stack, "evm_increaseTime", [10]);
      };
    },
  },
  {
    name: "anvil, anvil_reorg",
    start: () => startAnvilChain({ mining: { intervalMs: 200 } }),
    /** Here the block at that height is not final yet: the removed one may come back. */
    refusal: { verdict: "unchecked", reasons: expect.arrayContaining(["blockNotFinal"]) },
    async prepare(stack: TestStack) {
      const before = Number(await askNode(stack, "eth_blockNumber"));
      return async () =>
        askNode(stack, "anvil_reorg", [Number(await askNode(stack, "eth_blockNumber")) - before, []]);
    },
  },
];

describe.for(chains)("$name", ({ start, prepare, refusal }) => {
  let chain: TestChain;
  let stack: TestStack;
  let submitter: Submitter;

  beforeEach(async () => {
    chain = await start();
    stack = await startStack({
      chain,
      settings: {
        CHAIN_CONFIRMATIONS: String(CONFIRMATIONS),
        PIPELINE_POLL_MS: "20",
        SEAL_INTERVAL_MS: "20",
        RESEND_AFTER_MS: "200",
      },
    });
    submitter = { apiUrl: stack.apiUrl, key: (await createTenantKey(stack)).key };
    await pauseMining(stack);
  });

  afterEach(() => stack?.stop());

  /** Accepts a hash and has its transaction wait to be mined. */
  async function acceptUnmined(): Promise<Hex> {
    const hash = await submitOne(submitter);
    await untilPending();
    return hash;
  }

  async function untilPending(): Promise<void> {
    const nonce = async (tag: string) =>
      Number(await askNode(stack, "eth_getTransactionCount", [stack.publisher, tag]));
    await until(async () => (await nonce("pending")) > (await nonce("latest")));
  }

  /** Resolves when index and worker have seen the newest block, and the worker has looked at its batches since. */
  async function untilSeen(): Promise<void> {
    const latest = Number(await askNode(stack, "eth_blockNumber"));
    const looks = `SELECT latest_block >= ${latest} AS seen, heads_read_at::text AS at FROM app.chains`;
    const seen = await until(async () => (await query<{ seen: boolean; at: string }>(stack, looks))[0]!.seen);
    expect(seen).toBe(true);
    for (let look = 0; look < 2; look++) {
      const [{ at }] = (await query<{ at: string }>(stack, looks)) as [{ at: string }];
      await until(async () => (await query<{ at: string }>(stack, looks))[0]!.at !== at);
    }
  }

  /** Block hash of the only indexed anchor, once it is another than `than`. */
  function indexedInOtherBlock(than: Hex | null): Promise<Hex> {
    return until(async () => {
      const rows = await query<{ block_hash: Hex }>(stack, "SELECT block_hash FROM chain.anchors");
      const [only] = rows.length === 1 ? rows : [];
      return only !== undefined && only.block_hash !== than ? only.block_hash : ("" as Hex);
    });
  }

  test("an anchor that is removed before it is confirmed is never called anchored; its second one is, once it is deep enough", async () => {
    const removeBlocks = await prepare(stack);
    const hash = await acceptUnmined();
    const watch = watchVerify(stack, hash);
    await mine(stack, CONFIRMATIONS - 1);
    const removed = await indexedInOtherBlock(null);
    await untilSeen();
    expect(await isAnchored(stack, hash)).toBe(false);

    await removeBlocks();
    await untilPending();
    await mine(stack, CONFIRMATIONS - 1);
    const replaced = await indexedInOtherBlock(removed);
    await untilSeen();
    expect(await isAnchored(stack, hash)).toBe(false);
    await mine(stack, 1);
    await until(() => watch.said().at(-1)!.verified && watch.receiptStatuses().at(-1) === 200);
    await watch.stop();

    expect(
      watch
        .said()
        .map(({ verified }) => verified)
        .lastIndexOf(false),
    ).toBe(watch.said().length - 2);
    expect(watch.said().at(-1)).toEqual({ verified: true, status: "anchored", blockHash: replaced });
    expect(watch.receiptStatuses()).toEqual([404, 200]);
    await expectKept(stack, [hash]);
  });

  test("an anchor that is removed after it was anchored: never verified in between, its receipt vanishes and is refused, and a new one comes", async () => {
    const older = await acceptUnmined();
    await mine(stack, CONFIRMATIONS);
    await until(() => isAnchored(stack, older));
    const removeBlocks = await prepare(stack);
    const hash = await acceptUnmined();
    await mine(stack, CONFIRMATIONS);
    await until(() => isAnchored(stack, hash));
    const { body: oldReceipt } = await call(stack.apiUrl, "GET", `/v1/receipts/${hash}`);
    expect((await verifyReceipt({ receipt: oldReceipt, rpc: stack.rpcUrl })).verdict).toBe("valid");

    const watch = watchVerify(stack, hash);
    const strictWatch = watchVerify(stack, hash, "?check=rpc");
    const olderWatch = watchVerify(stack, older);
    await until(() => [watch, strictWatch, olderWatch].every((one) => one.receiptStatuses().length > 0));
    await removeBlocks();
    const strictlySaid = (await call(stack.apiUrl, "GET", `/v1/verify/${hash}?check=rpc`)).body;
    expect(strictlySaid.verified).toBe(false);
    expect((await verifyReceipt({ receipt: oldReceipt, rpc: stack.rpcUrl })).verdict).not.toBe("valid");

    await until(() => watch.receiptStatuses().at(-1) === 404);
    await until(
      async () => {
        await mine(stack, 1);
        return (
          watch.said().at(-1)!.verified &&
          watch.receiptStatuses().at(-1) === 200 &&
          strictWatch.said().at(-1)!.verified
        );
      },
      { deadlineMs: 60_000, intervalMs: 100 },
    );
    await Promise.all([watch, strictWatch, olderWatch].map((one) => one.stop()));

    const { body: newReceipt } = await call(stack.apiUrl, "GET", `/v1/receipts/${hash}`);
    const facts = [
      (oldReceipt as AnchorReceipt).anchor.blockHash,
      null,
      (newReceipt as AnchorReceipt).anchor.blockHash,
    ];
    for (const one of [watch, strictWatch]) expect(anchorsSaid(one.said())).toEqual(facts);
    expect(watch.receiptStatuses()).toEqual([200, 404, 200]);
    expect(olderWatch.said().map(({ verified }) => verified)).toEqual([true]);
    expect(await verifyReceipt({ receipt: oldReceipt, rpc: stack.rpcUrl })).toMatchObject(refusal);
    await expectKept(stack, [older, hash]);
  });

  test("a leaf read before its anchor was removed and replaced has that anchor's own signature: never the old anchor with the new one's", async () => {
    const removeBlocks = await prepare(stack);
    const hash = await acceptUnmined();
    await mine(stack, CONFIRMATIONS);
    await until(() => isAnchored(stack, hash));
    await withDatabase(stack.databaseUrl, async (db) => {
      const { find, describeLeaf } = leafReads(db);
      const before = await find(hash);
      const asItWas = await describeLeaf(before, false);
      expect(asItWas).toMatchObject({ status: "anchored" });

      await removeBlocks();
      const after = await until(
        async () => {
          await mine(stack, 1);
          const leaf = await find(hash);
          return leaf.state === "anchored" && leaf.block_hash !== before.block_hash ? leaf : null;
        },
        { deadlineMs: 60_000, intervalMs: 100 },
      );
      const [old, now] = await Promise.all([before, after!].map((leaf) => describeLeaf(leaf, false)));
      expect(old!.receipt).toEqual(asItWas.receipt);
      expect(await verifyReceipt({ receipt: old!.receipt, rpc: stack.rpcUrl })).toMatchObject(refusal);
      expect(now).toMatchObject({ status: "anchored" });
      expect((await verifyReceipt({ receipt: now!.receipt, rpc: stack.rpcUrl })).verdict).toBe("valid");
    });
  });
});

/** The two reads behind a verify answer, so that something can happen between them. */
function leafReads(db: Database) {
  const findEarliest = createEarliestLeafFinder(db);
  return {
    find: async (hash: Hex) => (await findEarliest(Buffer.from(hexToBytes(hash))))!,
    describeLeaf: createLeafDescriber({
      chains: createChainDirectory(db, () => new Date()),
      indexedUpTo: () => readIndexedUpTo(db),
      readPath: createPathReader(db),
      readerOf: (chain) => createChainReader(chain, RPC_TIMEOUT_MS),
      publicUrl: "https://anchor.example",
      onDisagreement: () => {},
    }),
  };
}

/** Block hashes of the anchors that were said to be true, null where none was, without repetitions. */
function anchorsSaid(said: readonly Said[]): (Hex | null)[] {
  const anchors = said.map(({ verified, blockHash }) => (verified ? blockHash : null));
  return anchors.filter((anchor, place) => place === 0 || anchor !== anchors[place - 1]);
}
