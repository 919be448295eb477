import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { createPublicClient, http, keccak256 } from "viem";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bytesToHex, type Hex } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { startAnvilChain, startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { createSigner, signReceipt, startIssuer, type TestIssuer } from "#test/support/issuedReceipts.ts";
import { type RpcProxy, startRpcProxy } from "#test/support/rpcProxy.ts";
import type { InvalidReason } from "./reason.ts";
import type { Verification } from "./verification.ts";
import { verifyReceipt } from "./verifyReceipt.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const LEAF_COUNT = 5;
const hex = (bytes: number): Hex => bytesToHex(randomBytes(bytes));
const randomHashes = (count: number) => Array.from({ length: count }, () => hex(32));

describe.each([
  ["hardhat", startHardhatChain],
  ["anvil", startAnvilChain],
])("protocol §8 on %s", (_, startChain) => {
  let chain: TestChain;
  let issuer: TestIssuer;
  let receipts: AnchorReceipt[];
  let receipt: AnchorReceipt;

  beforeAll(async () => {
    chain = await startChain();
    issuer = await startIssuer(chain);
    receipts = await issuer.anchor(randomHashes(LEAF_COUNT));
    receipt = receipts[1]!;
  });
  afterAll(() => chain?.stop());

  const verify = (value: unknown): Promise<Verification> =>
    verifyReceipt({ receipt: value, rpc: chain.rpcUrl });
  const resigned = (change: (draft: AnchorReceipt) => void): AnchorReceipt => {
    const draft = structuredClone(receipt);
    change(draft);
    return signReceipt(draft, issuer.signer);
  };

  test("every receipt of a batch is valid, also one from its text, and says what is not pinned", async () => {
    for (const one of receipts) {
      const verification = await verify(JSON.parse(JSON.stringify(one)));
      expect(verification).toMatchObject({
        verdict: "valid",
        reasons: [],
        notPinned: ["key", "publisher", "contract"],
      });
      expect(["included", "safe", "finalized"]).toContain(verification.finality);
    }
  });

  test("a batch of one leaf is valid, with an empty path", async () => {
    const [single] = await issuer.anchor(randomHashes(1));
    expect(single!.proof).toEqual([]);
    expect(await verify(single)).toMatchObject({ verdict: "valid" });
  });

  test("a viem client may stand in for the URL", async () => {
    const rpc = createPublicClient({ transport: http(chain.rpcUrl) });
    expect(await verifyReceipt({ receipt, rpc })).toMatchObject({ verdict: "valid" });
  });

  test("pins that the receipt meets leave nothing unpinned", async () => {
    const pins = { key: receipt.publicKey, publisher: issuer.publisher, contract: issuer.contract };
    const verification = await verifyReceipt({ receipt, rpc: chain.rpcUrl, pins });
    expect(verification).toMatchObject({ verdict: "valid", notPinned: [] });
  });

  test.each([
    ["keyNotAsPinned", { key: createSigner().publicKey }],
    ["publisherNotAsPinned", { publisher: hex(20) }],
    ["contractNotAsPinned", { contract: hex(20) }],
  ] as const)("a pin that the receipt does not meet: %s", async (reason, pins) => {
    const verification = await verifyReceipt({ receipt, rpc: chain.rpcUrl, pins });
    expect(verification).toMatchObject({ verdict: "invalid", reasons: [reason] });
  });

  test("a receipt in which anything at all is changed, without signing anew, is invalid", async () => {
    // The context is the one unsigned member: it names the format, and its origin claims nothing.
    const places = placesOf(receipt).filter(([first]) => first !== "@context");
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.infiniteStream(fc.nat()), async (place, salt) => {
        const lie = structuredClone(receipt);
        changeAt(lie, place, salt.next().value);
        expect(await verify(lie)).toMatchObject({ verdict: "invalid" });
      }),
      { numRuns: 150 },
    );
  });

  test("a receipt with one signed member changed by its issuer, and signed anew, is invalid", async () => {
    const signed = new Set(["hash", "merkleRoot", "proof", "anchor"]);
    const places = placesOf(receipt).filter(([first]) => signed.has(String(first)));
    for (const place of places) {
      const lie = resigned((draft) => changeAt(draft, place, 1));
      expect({ place, ...(await verify(lie)) }).toMatchObject({ place, verdict: "invalid" });
    }
  });

  const lies: [InvalidReason, string, (draft: AnchorReceipt) => unknown][] = [
    ["chainIdMismatch", "chain", ({ anchor }) => (anchor.chainId = 1)],
    ["contractNotFound", "contract", ({ anchor }) => (anchor.contractAddress = hex(20))],
    ["notAnchored", "publisher", ({ anchor }) => (anchor.publisher = hex(20))],
    ["leafCountMismatch", "leaf count of the same path length", ({ anchor }) => (anchor.leafCount = 6)],
    ["blockTimestampMismatch", "time", ({ anchor }) => (anchor.blockTimestamp -= 86_400)],
    ["blockNotCanonical", "block", ({ anchor }) => (anchor.blockHash = hex(32))],
    ["blockNotCanonical", "block number", ({ anchor }) => (anchor.blockNumber -= 1)],
    ["blockNumberMismatch", "block number to come", ({ anchor }) => (anchor.blockNumber += 1_000_000)],
    ["txHashMismatch", "transaction", ({ anchor }) => (anchor.txHash = hex(32))],
    ["logIndexMismatch", "log index", ({ anchor }) => (anchor.logIndex += 1)],
    ["positionMismatch", "leaf index", ({ anchor }) => (anchor.leafIndex = 0)],
    ["positionMismatch", "side", ({ proof }) => (proof[0]!.position = "right")],
    ["rootMismatch", "hash", (draft) => (draft.hash = hex(32))],
  ];
  test.each(lies)("%s: a signed lie about the %s", async (reason, _what, change) => {
    const verification = await verify(resigned(change));
    expect(verification.verdict).toBe("invalid");
    expect(verification.reasons).toContain(reason);
  });

  test("an inner node that poses as a leaf is refused by its path length, though it leads to the root", async () => {
    const [first] = await issuer.anchor(randomHashes(4));
    const pair = [first!.hash, first!.proof[0]!.data].sort().map((node) => node.slice(2));
    const innerNode = keccak256(`0x${pair.join("")}`);
    const forged = signReceipt({ ...first!, hash: innerNode, proof: first!.proof.slice(1) }, issuer.signer);
    const verification = await verify(forged);
    expect(verification.reasons).toContain("pathLengthMismatch");
    expect(verification.reasons).not.toContain("rootMismatch");
    expect(verification.verdict).toBe("invalid");
  });

  test("another's signature over a true statement is valid on its own word, and invalid for who pins the key", async () => {
    const stranger = signReceipt(receipt, createSigner());
    expect(await verify(stranger)).toMatchObject({ verdict: "valid" });
    const pins = { key: receipt.publicKey };
    expect(await verifyReceipt({ receipt: stranger, rpc: chain.rpcUrl, pins })).toMatchObject({
      verdict: "invalid",
    });
  });

  test("a block that is reorganised away takes the receipt's validity with it", async () => {
    const rpc = createPublicClient({ transport: http(chain.rpcUrl) }) as unknown as {
      request(call: { method: string; params?: unknown[] }): Promise<unknown>;
    };
    const snapshot = await rpc.request({ method: "evm_snapshot", params: [] });
    const [fleeting] = await issuer.anchor(randomHashes(2));
    expect(await verify(fleeting)).toMatchObject({ verdict: "valid" });
    await rpc.request({ method: "evm_revert", params: [snapshot] });
    expect(await verify(fleeting)).toMatchObject({
      verdict: "unchecked",
      reasons: ["rpcBehind", "notReached"],
    });
    await rpc.request({ method: "evm_mine", params: [] });
    expect(await verify(fleeting)).toMatchObject({ verdict: "invalid" });
  });

  test("a node that has not come to the contract's own block yet is behind, and finds no lie", async () => {
    const behind = await startChain();
    const verification = await verifyReceipt({ receipt, rpc: behind.rpcUrl });
    await behind.stop();
    expect(verification).toMatchObject({ verdict: "unchecked", reasons: ["rpcBehind", "notReached"] });
  });

  describe("behind a node that fails", () => {
    let proxy: RpcProxy;
    beforeAll(async () => {
      proxy = await startRpcProxy({ target: chain.rpcUrl });
    });
    afterAll(() => proxy?.stop());

    const faults = [
      { kind: "drop", forward: false },
      { kind: "httpStatus", status: 503 },
      { kind: "garbage" },
      {
        kind: "garbage",
        body: '{"jsonrpc":"2.0","id":1,"result":{"number":"0x1","hash":[],"timestamp":null}}',
      },
      { kind: "garbage", body: '{"jsonrpc":"2.0","id":1,"result":"0x01"}' },
      { kind: "garbage", body: '{"jsonrpc":"2.0","id":1,"result":[{}]}' },
      { kind: "garbage", body: "null" },
      { kind: "delay", forward: false, delayMs: 1_000 },
    ] as const;
    const methods = ["eth_chainId", "eth_getBlockByNumber", "eth_call", "eth_getLogs"];
    test.each(methods)("no failure of %s is ever taken for valid", async (method) => {
      for (const fault of faults) {
        for (const nth of method === "eth_getBlockByNumber" ? [1, 2, 3] : [1]) {
          proxy.clearRules();
          const rule = proxy.addRule({ method, nth, times: 1_000, fault });
          const verification = await verifyReceipt({ receipt, rpc: proxy.url, timeoutMs: 500 });
          expect(rule.applied()).toBeGreaterThan(0);
          expect({ fault, nth, verdict: verification.verdict }).not.toMatchObject({ verdict: "valid" });
          const isAnswer = "body" in fault && method !== "eth_getBlockByNumber";
          if (!isAnswer)
            expect({ fault, nth, verdict: verification.verdict }).toMatchObject({ verdict: "unchecked" });
        }
      }
    });

    test("a failing node does not save a receipt that is false in itself", async () => {
      proxy.clearRules();
      proxy.addRule({ method: "*", times: 1_000, fault: { kind: "httpStatus", status: 503 } });
      const lie = { ...receipt, hash: hex(32) };
      expect(await verifyReceipt({ receipt: lie, rpc: proxy.url, timeoutMs: 500 })).toMatchObject({
        verdict: "invalid",
      });
    });

    test("a node that sends the call on to another one is not followed there", async () => {
      proxy.clearRules();
      const asked = proxy.calls.length;
      const server = createServer((_, response) => response.writeHead(307, { location: proxy.url }).end());
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const rpc = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const verification = await verifyReceipt({ receipt, rpc });
      server.close();
      expect(verification).toMatchObject({ verdict: "unchecked", reasons: ["rpcUnusable", "notReached"] });
      expect(proxy.calls.slice(asked)).toEqual([]);
    });
  });
});

type Place = (string | number)[];

/** Ways to every leaf of a value. */
function placesOf(value: unknown, above: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [above];
  return Object.entries(value).flatMap(([name, below]) => placesOf(below, [...above, name]));
}

/** Changes a text by one character and a number by a little, so that it stays of its kind. */
function changeAt(root: object, place: Place, salt: number): void {
  const owner = place
    .slice(0, -1)
    .reduce<unknown>((one, name) => (one as Record<string, unknown>)[name], root);
  const members = owner as Record<string, unknown>;
  const name = place.at(-1)!;
  const old = members[name];
  members[name] = typeof old === "number" ? changedNumber(old, salt) : changedText(String(old), salt);
}

function changedNumber(old: number, salt: number): number {
  return old + 1 + (salt % 1_000);
}

function changedText(old: string, salt: number): string {
  if (old === "left" || old === "right") return old === "left" ? "right" : "left";
  const at = 2 + (salt % (old.length - 2));
  return `${old.slice(0, at)}${old[at] === "0" ? "1" : "0"}${old.slice(at + 1)}`;
}
