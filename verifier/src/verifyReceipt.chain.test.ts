import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { createPublicClient, http, keccak256 } from "viem";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bytesToHex, type Hex } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { startAnvilChain, startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { createSigner, signReceipt, startIssuer, type TestIssuer } from "#test/support/issuedReceipts.ts";
import { startRpcProxy } from "#test/support/rpcProxy.ts";
import { type InvalidReason, invalidReasons, type UncheckedReason } from "./reason.ts";
import type { Verification } from "./verification.ts";
import { verifyReceipt } from "./verifyReceipt.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const LEAF_COUNT = 5;
/** Anvil calls blocks finalized that have two epochs on top of them. */
const BLOCKS_TO_FINAL = 80;
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
    // Anvil gives blocks that it mines in one second one time.
    await ask("evm_increaseTime", [60]);
    await mine(BLOCKS_TO_FINAL);
  });
  afterAll(() => chain?.stop());

  const ask = (method: string, params: unknown[] = []): Promise<unknown> =>
    createPublicClient({ transport: http(chain.rpcUrl) }).request({ method, params } as never);
  const mine = async (blocks: number) => {
    for (let i = 0; i < blocks; i++) await ask("evm_mine");
  };
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
        notPinned: ["key", "publisher"],
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

  test("a receipt with one signed member changed by its issuer, and signed anew, is invalid, and unchecked for another chain", async () => {
    const signed = new Set(["hash", "merkleRoot", "proof", "anchor"]);
    const places = placesOf(receipt).filter(([first]) => signed.has(String(first)));
    for (const place of places) {
      const lie = resigned((draft) => changeAt(draft, place, 1));
      const verdict = place.at(-1) === "chainId" ? "unchecked" : "invalid";
      expect({ place, ...(await verify(lie)) }).toMatchObject({ place, verdict });
    }
  });

  const lies: [InvalidReason | UncheckedReason, string, (draft: AnchorReceipt) => unknown][] = [
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
    expect(verification.verdict).toBe(reason in invalidReasons ? "invalid" : "unchecked");
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

  test("a block that is reorganised away makes the receipt invalid once the block in its place is final", async () => {
    const snapshot = await ask("evm_snapshot");
    const [fleeting] = await issuer.anchor(randomHashes(2));
    expect(await verify(fleeting)).toMatchObject({ verdict: "valid" });
    await ask("evm_revert", [snapshot]);
    const behind = await verify(fleeting);
    expect(behind.verdict).toBe("unchecked");
    expect(behind.reasons).toContain("rpcBehind");
    await mine(1);
    // Hardhat calls every block final at once.
    if (chain.name === "anvil")
      expect(await verify(fleeting)).toMatchObject({
        verdict: "unchecked",
        reasons: ["blockNotFinal", "notReached"],
      });
    await mine(BLOCKS_TO_FINAL);
    expect(await verify(fleeting)).toMatchObject({ verdict: "invalid", reasons: ["blockNotCanonical"] });
  });

  test("a node that has not come to the contract's own block yet is behind, and finds no lie", async () => {
    const behind = await startChain();
    const verification = await verifyReceipt({ receipt, rpc: behind.rpcUrl });
    await behind.stop();
    expect(verification).toMatchObject({ verdict: "unchecked", reasons: ["rpcBehind", "notReached"] });
  });

  describe("behind a node that fails", () => {
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
      { kind: "delay", forward: false, delayMs: 6_000 },
    ] as const;
    const calls: [method: string, nth: number, also?: string][] = [
      ["eth_chainId", 1],
      ["eth_getBlockByNumber", 1],
      ["eth_getBlockByNumber", 2],
      ["eth_getBlockByNumber", 3],
      ["eth_getBlockByNumber", 4],
      ["eth_getCode", 1],
      ["eth_call", 1],
      ["eth_getLogs", 1, "eth_getTransactionReceipt"],
    ];
    test.each(calls)(
      "no failure of %s, from call %i on, is ever taken for valid",
      async (method, nth, also) => {
        const outcomes = faults.map(async (fault) => {
          const proxy = await startRpcProxy({ target: chain.rpcUrl });
          const rules = [method, also ?? method].map((one) =>
            proxy.addRule({ method: one, nth, times: 1_000, fault }),
          );
          const { verdict } = await verifyReceipt({ receipt, rpc: proxy.url, timeoutMs: 3_000 });
          await proxy.stop();
          return { fault, verdict, isApplied: rules.some((rule) => rule.applied() > 0) };
        });
        const expected = faults.map((fault) => ({ fault, verdict: "unchecked", isApplied: true }));
        expect(await Promise.all(outcomes)).toEqual(expected);
      },
    );

    test("a failing node does not save a receipt that is false in itself", async () => {
      const server = createServer((_, response) => response.writeHead(503).end());
      const rpc = await listening(server);
      const verification = await verifyReceipt({
        receipt: { ...receipt, hash: hex(32) },
        rpc,
        timeoutMs: 500,
      });
      server.close();
      expect(verification).toMatchObject({ verdict: "invalid", reasons: ["badSignature", "rootMismatch"] });
    });

    test("a node that sends the call on to another one is not followed there", async () => {
      const proxy = await startRpcProxy({ target: chain.rpcUrl });
      const server = createServer((_, response) => response.writeHead(307, { location: proxy.url }).end());
      const rpc = await listening(server);
      const verification = await verifyReceipt({ receipt, rpc });
      server.close();
      await proxy.stop();
      expect(verification.verdict).toBe("unchecked");
      expect(verification.reasons).toContain("rpcUnusable");
      expect(proxy.calls).toEqual([]);
    });
  });
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

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
