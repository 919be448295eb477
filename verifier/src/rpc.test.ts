import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rememberingRpc, rpcOf } from "./rpc.ts";
import { RpcRefusedError, RpcUnusableError } from "./rpcError.ts";

type Call = { jsonrpc: string; id: number; method: string; params: unknown };
type Respond = (call: Call, response: ServerResponse, request: IncomingMessage) => unknown;

const chainId = { method: "eth_chainId" };

describe("the verifier's JSON-RPC client", () => {
  let server: Server;
  let url: string;
  let calls: Call[];
  let respond: Respond;

  beforeEach(async () => {
    calls = [];
    server = createServer(async (request, response) => {
      const call = (await json(request)) as Call;
      calls.push(call);
      await respond(call, response, request);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const answering = (members: object, status = 200): Respond => {
    return ({ id }, response) =>
      response.writeHead(status).end(JSON.stringify({ jsonrpc: "2.0", id, ...members }));
  };
  const ask = (timeoutMs = 3_000) => rpcOf(url, timeoutMs).request(chainId);

  test("sends one call a request, each with an id of its own, and answers its result", async () => {
    respond = answering({ result: "0x1" });
    const rpc = rpcOf(url, 3_000.5);
    expect(await Promise.all([rpc.request(chainId), rpc.request(chainId)])).toEqual(["0x1", "0x1"]);
    expect(calls).toMatchObject([chainId, chainId].map((call) => ({ jsonrpc: "2.0", params: [], ...call })));
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
  });

  const noAnswers: [string, Respond][] = [
    ["an answer with another id", answering({ id: 77, result: "0x1" })],
    [
      "an answer with the id as text",
      (call, response) => answering({ id: String(call.id), result: "0x1" })(call, response, response.req),
    ],
    [
      "an error without an id",
      answering({ id: null, error: { code: -32000, message: "execution reverted" } }),
    ],
    ["an answer of JSON-RPC 1.0", answering({ jsonrpc: "1.0", result: "0x1" })],
    ["result and error at once", answering({ result: "0x1", error: { code: 3, message: "reverted" } })],
    ["neither result nor error", answering({})],
    ["an error without a code", answering({ error: { message: "no" } })],
    ["a result with HTTP status 500", answering({ result: "0x1" }, 500)],
    ["a page", (_, response) => response.end("<html>")],
    ["nothing", (_, response) => response.end()],
    ["half of an answer", (_, response) => response.end('{"jsonrpc":"2.0","id":1,"resu')],
    ["a list", ({ id }, response) => response.end(JSON.stringify([{ jsonrpc: "2.0", id, result: "0x1" }]))],
  ];
  test.each(noAnswers)("takes %s for no answer, and asks again", async (_, answer) => {
    respond = answer;
    const error = await ask(600).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RpcUnusableError);
    expect(error).not.toBeInstanceOf(RpcRefusedError);
    expect(calls.length).toBeGreaterThan(1);
  });

  test("stops reading an answer that never ends", async () => {
    let sent = 0;
    respond = (_, response) => {
      const write = () => {
        while (!response.destroyed && response.write("x".repeat(65_536))) sent += 65_536;
        response.once("drain", write);
      };
      write();
    };
    const started = performance.now();
    await expect(rpcOf(url, 20_000).request(chainId)).rejects.toThrow(/more than 16777216 bytes/);
    expect(sent).toBeLessThan(4 * 40 * 2 ** 20);
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test("follows no redirect", async () => {
    respond = (_, response) => response.writeHead(307, { location: url }).end();
    await expect(ask(600)).rejects.toBeInstanceOf(RpcUnusableError);
    expect(calls.every(({ method }) => method === "eth_chainId")).toBe(true);
    expect(calls.length).toBeLessThanOrEqual(4);
  });

  test("ends in time when the node is silent", async () => {
    respond = () => {};
    const started = performance.now();
    await expect(ask(500)).rejects.toThrow(RpcUnusableError);
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  test("authenticates with the credentials in the URL", async () => {
    let authorization: string | undefined;
    respond = (call, response, request) => {
      authorization = request.headers.authorization;
      answering({ result: "0x1" })(call, response, request);
    };
    const withCredentials = url.replace("//", "//us%40er:p%C3%A4ss@");
    expect(await rpcOf(withCredentials, 3_000).request(chainId)).toBe("0x1");
    expect(authorization).toBe(`Basic ${Buffer.from("us@er:päss").toString("base64")}`);
  });

  test("asks again after a rate limit, and answers what it then hears", async () => {
    respond = (call, response, request) =>
      calls.length < 3
        ? answering({ error: { code: -32005, message: "limit" } }, 429)(call, response, request)
        : answering({ result: "0x1" })(call, response, request);
    expect(await ask()).toBe("0x1");
    expect(calls.length).toBe(3);
  });

  type Refusal = [code: number, message: string, status: number, says: Partial<RpcRefusedError>];
  const answer = { weight: "answer" } as const;
  const failure = { weight: "failure", isRevert: false, isNotThere: false } as const;
  const refusals: Refusal[] = [
    [3, "anything", 200, { ...answer, isRevert: true }],
    [-32000, "execution reverted: AnchorMismatch", 200, { ...answer, isRevert: true }],
    [-32000, "VM Exception while processing transaction: reverted", 200, { ...answer, isRevert: true }],
    [-32603, "Error: VM Exception while processing transaction: reverted", 200, { isRevert: true }],
    [-32000, "reverted", 200, { ...answer, isRevert: true }],
    [-32000, "cannot say whether it reverted", 200, { ...answer, isRevert: false }],
    [-32005, "execution reverted by a limit", 200, failure],
    [-32000, "too many requests: reverted", 200, failure],
    [3, "execution reverted", 429, failure],
    [3, "execution reverted", 502, failure],
    [429, "execution reverted", 200, failure],
    [-32000, "header not found", 200, { ...answer, isNotThere: true }],
    [-32000, "missing trie node 5a (path )", 200, { ...answer, isNotThere: true }],
    [-32000, "required historical state unavailable (reexec=128)", 200, { ...answer, isNotThere: true }],
    [-39001, "Unknown block", 400, { ...answer, isNotThere: true }],
    [-32001, "Resource not found", 200, { ...answer, isNotThere: true }],
    [-32602, "invalid argument 1: hex string", 200, { ...answer, isNotThere: false, isRevert: false }],
    [4444, "pruned history unavailable", 200, answer],
    [-32603, "Internal error", 200, { weight: "internalError" }],
  ];
  test.each(refusals)(
    "understands the refusal %i %j with HTTP status %i",
    async (code, message, status, says) => {
      respond = answering({ error: { code, message } }, status);
      const error = await ask(300).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RpcRefusedError);
      expect(error).toMatchObject({ code, ...says });
    },
  );

  test("rejects what is no URL", async () => {
    await expect(rpcOf("no url", 300).request(chainId)).rejects.toBeInstanceOf(RpcUnusableError);
  });

  test("remembers answers until it is told to forget, but no failure, no absence, and no number's block", async () => {
    const results: Record<string, unknown> = { eth_chainId: "0x1", eth_getTransactionReceipt: null };
    respond = (call, response, request) =>
      answering({ result: results[call.method] ?? null })(call, response, request);
    const rpc = rpcOf(rememberingRpc(rpcOf(url, 3_000)), 3_000);
    const askTwice = async (method: string, params: unknown[]) => {
      const before = calls.length;
      for (let i = 0; i < 2; i++) await rpc.request({ method, params });
      return calls.length - before;
    };
    expect(await askTwice("eth_chainId", [])).toBe(1);
    expect(await askTwice("eth_getTransactionReceipt", ["0x5a"])).toBe(2);
    expect(await askTwice("eth_getBlockByNumber", ["0x1", false])).toBe(2);
    expect(await askTwice("eth_getBlockByNumber", ["safe", false])).toBe(1);
    rpc.forget?.();
    expect(await askTwice("eth_chainId", [])).toBe(1);
  });
});
