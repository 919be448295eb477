import { createClient, http } from "viem";

/** Anything that carries out JSON-RPC calls: an EIP-1193 provider, a viem client. */
export type Rpc = { request(call: { method: string; params?: unknown }): Promise<unknown> };

/** The node behind the RPC gave no answer, or one that is not what was asked. */
export class RpcUnusableError extends Error {
  override readonly name = "RpcUnusableError";
}

/** The node, or a provider before it, answered with a JSON-RPC error. `code` as in it. */
export class RpcRefusedError extends RpcUnusableError {
  readonly code: number;
  /** False for a rate limit, an internal error and the like: they say nothing about what was asked. */
  readonly isAnswer: boolean;

  constructor(method: string, { refusal, cause }: { refusal: RpcRefusal; cause: unknown }) {
    super(`${method}: ${textOf(cause)}`, { cause });
    this.code = refusal.code;
    this.isAnswer = isAnswer(refusal, this.message);
  }
}

const RETRIES = 1;

/** @param timeoutMs per call, retries included. */
export function rpcOf(rpc: string | Rpc, timeoutMs: number): Rpc {
  const bare = typeof rpc === "string" ? rpcOfUrl(rpc, timeoutMs) : rpc;
  return { request: (call) => requestInTime(bare, call, timeoutMs) };
}

/** Asks each question once, for what has many checks and should see one state of the chain. What failed is asked again. */
export function rememberingRpc(rpc: Rpc): Rpc {
  const answers = new Map<string, Promise<unknown>>();
  return {
    request(call) {
      const question = JSON.stringify(call);
      const known = answers.get(question) ?? rpc.request(call);
      answers.set(question, known);
      known.catch(() => answers.delete(question));
      return known;
    },
  };
}

function rpcOfUrl(url: string, timeoutMs: number): Rpc {
  if (!URL.canParse(url))
    return { request: () => Promise.reject(new RpcUnusableError("the RPC URL is no URL")) };
  const transport = http(url, {
    timeout: timeoutMs / (RETRIES + 1),
    retryCount: RETRIES,
    // Who is asked is the caller's choice, not the node's.
    fetchOptions: { redirect: "error" },
  });
  return createClient({ transport, cacheTime: 0 }) as Rpc;
}

async function requestInTime(
  rpc: Rpc,
  call: Parameters<Rpc["request"]>[0],
  timeoutMs: number,
): Promise<unknown> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new RpcUnusableError(`${call.method}: no answer in ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    return await Promise.race([rpc.request(call), late]);
  } catch (error) {
    if (error instanceof RpcUnusableError) throw error;
    const refusal = refusalOf(error);
    if (refusal !== null) throw new RpcRefusedError(call.method, { refusal, cause: error });
    throw new RpcUnusableError(`${call.method}: ${textOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** `httpStatus`: null when it was a success, or is not known. */
type RpcRefusal = { code: number; httpStatus: number | null };

/**
 * viem and EIP-1193 providers put JSON-RPC's code on the error or on a cause of it. Any whole number may be one: nodes keep to
 * no common list (ethereum/execution-apis#879). Only a DOMException has numbers of its own, and viem's -1 says "unknown".
 */
function refusalOf(error: unknown): RpcRefusal | null {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof DOMException || !("code" in one)) continue;
    const { code } = one;
    if (typeof code === "number" && Number.isInteger(code) && code !== -1)
      return { code, httpStatus: httpStatusOf(error) };
  }
  return null;
}

function httpStatusOf(error: unknown): number | null {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ("status" in one && typeof one.status === "number") return one.status;
  }
  return null;
}

/** Internal error; limit exceeded by EIP-1474, and as QuickNode and Base number it. */
const NO_ANSWER_CODES = new Set([-32603, -32005, -32007, -32016]);
/** Refused for who asks or how often, whatever was asked; 500 and above are failures. */
const NO_ANSWER_STATUSES = new Set([401, 403, 408, 429]);
/** Providers word their limits alike, and give them codes as they please, -32000 among them. */
const NO_ANSWER_TEXT =
  /rate.?limit|limit (reached|exceeded)|too many|quota|timed? ?out|internal (server )?error/i;

function isAnswer({ code, httpStatus }: RpcRefusal, text: string): boolean {
  if (httpStatus !== null && (NO_ANSWER_STATUSES.has(httpStatus) || httpStatus >= 500)) return false;
  // From 400 up codes are HTTP's (429) and, from 4001, a wallet's own.
  return code < 400 && !NO_ANSWER_CODES.has(code) && !NO_ANSWER_TEXT.test(text);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "details" in error && typeof error.details === "string" ? error.details : error.message;
}
