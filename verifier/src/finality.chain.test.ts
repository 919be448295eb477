import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { bytesToHex } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { startIssuer } from "#test/support/issuedReceipts.ts";
import { verifyReceipt } from "./verifyReceipt.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

type Tag = "safe" | "finalized";
/** What the node says to a block tag in place of its block; an `error` with HTTP status 200 unless it has another. */
type TagAnswer = { result: null } | { error: { code: number; message: string }; status?: number };

describe("protocol §8: finality by the chain's own tags", () => {
  let chain: TestChain;
  let receipt: AnchorReceipt;
  let node: Server;
  let nodeUrl: string;
  let answers: Partial<Record<Tag, TagAnswer>>;

  beforeAll(async () => {
    chain = await startHardhatChain();
    const issuer = await startIssuer(chain);
    [receipt] = (await issuer.anchor([bytesToHex(randomBytes(32))])) as [AnchorReceipt];
    // A verification that one answer has ended leaves questions under way, and the chain may stop before they are answered.
    node = createServer((request, response) => answerCall(request, response).catch(() => response.destroy()));
    await new Promise<void>((resolve) => node.listen(0, "127.0.0.1", resolve));
    nodeUrl = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    node?.close();
    await chain?.stop();
  });
  beforeEach(() => {
    answers = {};
  });

  const answerCall = async (request: IncomingMessage, response: ServerResponse) => {
    const call = (await json(request)) as { id: number; method: string; params?: unknown[] };
    const answer = call.method === "eth_getBlockByNumber" ? answers[call.params?.[0] as Tag] : undefined;
    const { status = 200, ...members } = { status: undefined, ...answer };
    const body = answer
      ? JSON.stringify({ jsonrpc: "2.0", id: call.id, ...members })
      : await askChain(JSON.stringify(call));
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  };
  const askChain = async (body: string) => {
    const headers = { "content-type": "application/json" };
    const ask = () => fetch(chain.rpcUrl, { method: "POST", headers, body });
    // The node may close an idle connection in the moment in which it is used again.
    return (await ask().catch(ask)).text();
  };
  const verify = () => verifyReceipt({ receipt, rpc: nodeUrl, timeoutMs: 5_000 });

  test("both tags known: the firmer one counts, and nothing is left to note", async () => {
    expect(await verify()).toMatchObject({ verdict: "valid", finality: "finalized", warnings: [] });
  });

  const noSuchBlock: [string, TagAnswer][] = [
    ["reth, Nethermind", { result: null }],
    ["geth", { error: { code: -32000, message: "finalized block not found" } }],
    ["Besu, Erigon", { error: { code: -39001, message: "Unknown block" } }],
    ["-38000", { error: { code: -38000, message: "block is not known" } }],
    ["invalid params", { error: { code: -32602, message: "unknown block tag" } }],
    ["method not supported", { error: { code: -32004, message: "tag is not supported" } }],
    ["HTTP status 400", { error: { code: -39001, message: "Unknown block" }, status: 400 }],
    ["a code of its own", { error: { code: 26, message: "Unknown block" } }],
    ["Rootstock", { error: { code: -32603, message: "Internal server error" } }],
  ];
  test.each(noSuchBlock)(
    "a node without such blocks (%s) leaves the receipt valid, with a note",
    async (_, answer) => {
      answers = { safe: answer, finalized: answer };
      expect(await verify()).toMatchObject({
        verdict: "valid",
        finality: "included",
        warnings: ["finalityUnknown"],
      });
      answers = { finalized: answer };
      expect(await verify()).toMatchObject({
        verdict: "valid",
        finality: "safe",
        warnings: ["finalizedUnknown"],
      });
      answers = { safe: answer };
      expect(await verify()).toMatchObject({
        verdict: "valid",
        finality: "finalized",
        warnings: ["safeUnknown"],
      });
    },
  );

  const noAnswer: [string, TagAnswer][] = [
    ["a rate limit by EIP-1474", { error: { code: -32005, message: "daily request count exceeded" } }],
    ["a rate limit by QuickNode", { error: { code: -32007, message: "15/second request limit reached" } }],
    ["a rate limit by Base", { error: { code: -32016, message: "over rate limit" } }],
    ["a rate limit by Alchemy", { error: { code: 429, message: "compute units exceeded" } }],
    ["a rate limit in words", { error: { code: -32000, message: "Too Many Requests" } }],
    ["HTTP 429", { error: { code: -32000, message: "slow down" }, status: 429 }],
    ["HTTP 503", { error: { code: -32000, message: "not now" }, status: 503 }],
    ["HTTP 401", { error: { code: -32000, message: "key?" }, status: 401 }],
    ["an internal error behind HTTP 500", { error: { code: -32603, message: "wrong" }, status: 500 }],
    ["a rate limit as an internal error", { error: { code: -32603, message: "rate limit, revert later" } }],
    ["a timeout within the node", { error: { code: -32002, message: "request timed out" } }],
  ];
  test.each(noAnswer)("%s tells nothing about a tag: finality stays unchecked", async (_, answer) => {
    for (const tag of ["safe", "finalized"] as const) {
      answers = { [tag]: answer };
      const { checks, ...verification } = await verify();
      expect(verification).toMatchObject({
        verdict: "unchecked",
        reasons: ["rpcUnusable"],
        finality: null,
        warnings: [],
      });
      expect(checks.at(-1)).toMatchObject({ name: "finality", outcome: "unchecked" });
    }
  });
});
