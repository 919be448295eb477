import { createPublicClient, http } from "viem";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { startAnvilChain, startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { signReceipt, startIssuer, type TestIssuer } from "#test/support/issuedReceipts.ts";
import { type Lie, startLyingNode } from "#test/support/lyingNode.ts";
import { nodeLies } from "#test/support/nodeLies.ts";
import { liesForForged, passingMistakes } from "#test/support/nodeMistakes.ts";
import { startRpcProxy } from "#test/support/rpcProxy.ts";
import { anchorTwo } from "#test/support/twoAnchors.ts";
import { verifyReceipt } from "./verifyReceipt.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** So that the receipt's block is final, and deep where nothing is called final. */
const BLOCKS_AFTER = 300;

describe.each([
  ["hardhat", startHardhatChain],
  ["anvil", startAnvilChain],
])("protocol §8 before a node that lies, of the kind of %s", (_, startChain) => {
  let chain: TestChain;
  let issuer: TestIssuer;
  let receipt: AnchorReceipt;

  beforeAll(async () => {
    chain = await startChain();
    issuer = await startIssuer(chain);
    await anchorTwo(chain, issuer);
    receipt = (await anchorTwo(chain, issuer))[1]!;
    const client = createPublicClient({ transport: http(chain.rpcUrl) });
    await client.request({ method: "evm_increaseTime", params: [60] } as never);
    for (let i = 0; i < BLOCKS_AFTER; i++) await client.request({ method: "evm_mine" } as never);
  });
  afterAll(() => chain?.stop());

  const verifyBefore = async (one: AnchorReceipt, lies: readonly Lie[]) => {
    const node = await startLyingNode(chain.rpcUrl, lies);
    const verification = await verifyReceipt({ receipt: one, rpc: node.url, timeoutMs: 30_000 });
    await node.stop();
    return verification;
  };

  const outcomeBefore = async (lies: readonly Lie[], expected: string) => {
    const { verdict, reasons } = await verifyBefore(receipt, lies);
    const [expectedVerdict, expectedReason] = expected.split(" ");
    const isExpected =
      verdict === expectedVerdict &&
      (expectedReason === undefined || reasons.map(String).includes(expectedReason));
    return isExpected ? expected : [verdict, ...reasons].join(" ");
  };

  test("each lie leads to the verdict that it must: none is believed against another answer, and absence proves nothing", async () => {
    const rows = Object.entries(nodeLies(receipt)).flatMap(([outcome, group]) =>
      Object.entries(group).map(([lie, lies]) => ({ lie, lies, outcome })),
    );
    const outcomes = rows.map(async ({ lie, lies, outcome }) => [lie, await outcomeBefore(lies, outcome)]);
    expect(await Promise.all(outcomes)).toEqual(rows.map(({ lie, outcome }) => [lie, outcome]));
  });

  test("there are at least 60 lies", () => {
    const lies = Object.values(nodeLies(receipt)).flatMap((rows) => Object.keys(rows));
    expect(lies.length).toBeGreaterThanOrEqual(60);
  });

  test("what a node says by mistake, and not again, leaves a genuine receipt valid", async () => {
    for (const [mistake, rules] of Object.entries(passingMistakes)) {
      const node = await startRpcProxy({ target: chain.rpcUrl });
      for (const { times = 1, change, ...rule } of rules)
        node.addRule({ nth: 1, ...rule, times, fault: { kind: "alter", change } });
      const { verdict } = await verifyReceipt({ receipt, rpc: node.url, timeoutMs: 3_000 });
      await node.stop();
      expect({ mistake, verdict }).toEqual({ mistake, verdict: "valid" });
    }
  });

  test("one lie does not bear out a forged receipt that it fits", async () => {
    for (const [change, lie] of liesForForged(receipt)) {
      const forged = signReceipt({ ...receipt, anchor: { ...receipt.anchor, ...change } }, issuer.signer);
      const { verdict } = await verifyBefore(forged, [lie]);
      expect({ change, verdict }).not.toMatchObject({ verdict: "valid" });
    }
  });
});
