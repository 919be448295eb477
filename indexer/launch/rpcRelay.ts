import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { ChainSettings } from "../chainSettings.ts";

/** Ponder starts with 20 requests a second per URL, which a development chain outruns; every further URL adds as many. */
const URLS_PER_ENDPOINT_DISPOSABLE = 8;
const UPSTREAM_TIMEOUT_MS = 9_000;
/** JSON-RPC "method not found": one of the few answers after which Ponder does not repeat a request. */
const NOT_REPEATED = -32601;

/** What stands between Ponder and the endpoints of one chain. Addresses with keys in them never reach Ponder and its log. */
export type RpcRelay = { urls: string[]; close(): Promise<void> };

/**
 * Listens on loopback and passes each request on to the endpoint its path names. It changes one answer: when a reorganisation
 * takes a block away while Ponder fetches its logs or receipts, Ponder would repeat the request for 64 s and index nothing
 * meanwhile. So after such an error the endpoint is asked whether the block is still there, and if not, the request fails
 * for good; Ponder then goes on with the newest block.
 */
export async function startRpcRelay({ rpcUrls, disposable }: ChainSettings): Promise<RpcRelay> {
  const server = createServer((request, response) => {
    const upstream = rpcUrls[Number(request.url?.slice(1)) % rpcUrls.length];
    relay(upstream ?? "", request, response).catch(() => {
      if (!response.headersSent) response.writeHead(502);
      response.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const count = rpcUrls.length * (disposable ? URLS_PER_ENDPOINT_DISPOSABLE : 1);
  return {
    urls: Array.from({ length: count }, (_, i) => `http://127.0.0.1:${port}/${i}`),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function relay(upstream: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  let answer = await post(upstream, body);
  const blockHash = findNamedBlock(body);
  if (blockHash && isError(answer.body) && (await isGone(upstream, blockHash))) {
    answer = { status: 200, body: goneAnswer(body, blockHash) };
  }
  response.writeHead(answer.status, { "content-type": "application/json" });
  response.end(answer.body);
}

async function post(upstream: string, body: string): Promise<{ status: number; body: string }> {
  const { url, headers } = endpointOf(upstream);
  const signal = AbortSignal.timeout(UPSTREAM_TIMEOUT_MS);
  const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "error" });
  return { status: response.status, body: await response.text() };
}

/** User and password of a URL go into a header: fetch takes no URL that holds them. */
function endpointOf(upstream: string): { url: string; headers: Record<string, string> } {
  const headers = { "content-type": "application/json" };
  const { username, password } = new URL(upstream);
  if (username === "" && password === "") return { url: upstream, headers };
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const url = Object.assign(new URL(upstream), { username: "", password: "" }).href;
  return {
    url,
    headers: { ...headers, authorization: `Basic ${Buffer.from(credentials).toString("base64")}` },
  };
}

/** The hash of the block whose logs or receipts are asked for. */
function findNamedBlock(body: string): string | undefined {
  if (!/eth_getLogs|eth_getBlockReceipts/.test(body)) return undefined;
  const { params } = JSON.parse(body) as { params?: [{ blockHash?: string } | string] };
  const named = typeof params?.[0] === "string" ? params[0] : params?.[0]?.blockHash;
  return named?.length === 66 ? named : undefined;
}

function isError(body: string): boolean {
  return body.includes('"error"') && "error" in (JSON.parse(body) as object);
}

async function isGone(upstream: string, blockHash: string): Promise<boolean> {
  const request = { jsonrpc: "2.0", id: 1, method: "eth_getBlockByHash", params: [blockHash, false] };
  const answer = JSON.parse((await post(upstream, JSON.stringify(request))).body) as { result?: unknown };
  return answer.result === null;
}

function goneAnswer(body: string, blockHash: string): string {
  const { id } = JSON.parse(body) as { id: unknown };
  const error = { code: NOT_REPEATED, message: `block ${blockHash} is not on the chain any more` };
  return JSON.stringify({ jsonrpc: "2.0", id, error });
}
