import { RpcUnusableError } from "./rpcError.ts";

export type RpcCall = { method: string; params?: unknown };

/** The longest answer holds all events that a publisher has in one block. */
const ANSWER_BYTES_MAX = 16 * 2 ** 20;

/** What a node answered in place of a result. */
class JsonRpcError extends Error {
  override readonly name = "JsonRpcError";
  readonly code: number;
  /** HTTP's. */
  readonly status: number;

  constructor({ code, message }: { code: number; message: unknown }, status: number) {
    super(String(message));
    this.code = code;
    this.status = status;
  }
}

/**
 * JSON-RPC 2.0 over HTTP, one call a request. Credentials in the URL become basic authentication.
 * No redirect is followed: who is asked is the caller's choice, not the node's.
 * @returns a function that carries out a call, and throws when the node gives no result.
 */
export function httpTransport(url: string): (call: RpcCall, signal: AbortSignal) => Promise<unknown> {
  const target = URL.parse(url);
  if (target === null) return () => Promise.reject(new RpcUnusableError("the RPC URL is no URL"));
  const headers = { "content-type": "application/json", ...authorizationOf(target) };
  let calls = 0;
  return async ({ method, params = [] }, signal) => {
    const id = ++calls;
    const response = await fetch(target, {
      method: "POST",
      headers,
      body: JSON.stringify({ jsonrpc: "2.0", id, method, params }),
      redirect: "error",
      signal,
    });
    return resultOf(parseAnswer(await readText(response), response), { id, status: response.status });
  };
}

/** Takes the credentials out of the URL, for fetch refuses one that has any. */
function authorizationOf(url: URL): { authorization?: string } {
  if (url.username === "") return {};
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = "";
  url.password = "";
  const bytes = new TextEncoder().encode(credentials);
  return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
}

async function readText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > ANSWER_BYTES_MAX) {
      await reader?.cancel();
      throw new Error(`the answer has more than ${ANSWER_BYTES_MAX} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

function parseAnswer(text: string, { ok, status }: Response): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(ok ? "the answer is no JSON" : `HTTP status ${status}`, { cause });
  }
}

/** An answer to another call, or to none, says nothing about this one. */
function resultOf(answer: unknown, { id, status }: { id: number; status: number }): unknown {
  const isOk = status >= 200 && status < 300;
  if (!isMembers(answer) || answer.jsonrpc !== "2.0" || answer.id !== id)
    throw new Error(isOk ? "the answer is none to this call" : `HTTP status ${status}`);
  const { result, error = null } = answer;
  if (error === null && result !== undefined && isOk) return result;
  if (isMembers(error) && Number.isInteger(error.code) && (result ?? null) === null)
    throw new JsonRpcError({ code: Number(error.code), message: error.message }, status);
  throw new Error(isOk ? "the answer is no JSON-RPC answer" : `HTTP status ${status}`);
}

function isMembers(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
