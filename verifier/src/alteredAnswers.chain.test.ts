import fc from "fast-check";
import { createPublicClient, http } from "viem";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { type Alteration, alteration } from "#test/support/alteration.ts";
import { startAnvilChain, startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { signReceipt, startIssuer, type TestIssuer } from "#test/support/issuedReceipts.ts";
import { startRpcProxy } from "#test/support/rpcProxy.ts";
import { anchorTwo } from "#test/support/twoAnchors.ts";
import { verifyReceipt } from "./verifyReceipt.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const RUNS = 60;
const OTHER = `0x${"5a".repeat(32)}` as const;

describe.each([
  ["hardhat", startHardhatChain],
  ["anvil", startAnvilChain],
])("protocol §8 before a node with one altered answer, of the kind of %s", (_, startChain) => {
  let chain: TestChain;
  let issuer: TestIssuer;
  let receipt: AnchorReceipt;
  let forgeries: AnchorReceipt[];

  beforeAll(async () => {
    chain = await startChain();
    issuer = await startIssuer(chain);
    const [stranger] = await anchorTwo(chain, issuer);
    receipt = (await anchorTwo(chain, issuer))[1]!;
    const client = createPublicClient({ transport: http(chain.rpcUrl) });
    await client.request({ method: "evm_increaseTime", params: [60] } as never);
    for (let i = 0; i < 80; i++) await client.request({ method: "evm_mine" } as never);
    const { logIndex, blockNumber, blockTimestamp } = receipt.anchor;
    const changes: Partial<AnchorReceipt["anchor"]>[] = [
      { logIndex: logIndex + 1 },
      { txHash: OTHER },
      { txHash: stranger!.anchor.txHash },
      { blockTimestamp: blockTimestamp - 1 },
      { blockNumber: blockNumber + 1 },
      { blockHash: OTHER },
      { leafCount: 2 },
      { publisher: `0x${"5a".repeat(20)}` },
      { contractAddress: `0x${"5a".repeat(20)}` },
      { ...stranger!.anchor },
    ];
    forgeries = changes.map((change) =>
      signReceipt({ ...receipt, anchor: { ...receipt.anchor, ...change } }, issuer.signer),
    );
  });
  afterAll(() => chain?.stop());

  const verdictBefore = async (one: AnchorReceipt, { method, nth, times, change }: Alteration) => {
    const node = await startRpcProxy({ target: chain.rpcUrl });
    node.addRule({ method, nth, times, fault: { kind: "alter", change } });
    const { verdict, reasons } = await verifyReceipt({ receipt: one, rpc: node.url, timeoutMs: 400 });
    await node.stop();
    return { verdict, reasons };
  };

  test("never makes a genuine receipt invalid, nor a forged one valid", async () => {
    await fc.assert(
      fc.asyncProperty(alteration, fc.nat(), async (altered, pick) => {
        const forged = forgeries[pick % forgeries.length]!;
        const [genuine, other] = await Promise.all([
          verdictBefore(receipt, altered),
          verdictBefore(forged, altered),
        ]);
        expect(genuine).not.toMatchObject({ verdict: "invalid" });
        expect(other).not.toMatchObject({ verdict: "valid" });
      }),
      { numRuns: RUNS },
    );
  });
});
