import { pause } from "./pause.ts";
import { RpcRefusedError, RpcUnusableError, rpcErrorOf } from "./rpcError.ts";
import { httpTransport, type RpcCall } from "./rpcHttp.ts";

/** Anything that carries out JSON-RPC calls: an EIP-1193 provider, a viem client. */
export type Rpc = {
  request(call: RpcCall): Promise<unknown>;
  /** Asks anew what was asked before. */
  forget?(): void;
};

type Transport = (call: RpcCall, signal: AbortSignal) => Promise<unknown>;

/** Pauses between the attempts of a call that failed. */
const RETRY_PAUSES_MS = [100, 300, 900];

/**
 * An RPC whose calls end in time, are retried while that may help, and throw nothing but
 * RpcUnusableError.
 * @param timeoutMs per call, retries included.
 */
export function rpcOf(rpc: string | Rpc, timeoutMs: number): Rpc {
  if (typeof rpc === "string") {
    const post = httpTransport(rpc);
    // Half of the time for one attempt leaves time for another, on another connection.
    const transport: Transport = (call, signal) =>
      post(call, AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(timeoutMs / 2))]));
    return { request: (call) => requestInTime(transport, call, timeoutMs) };
  }
  return {
    request: (call) => requestInTime((one) => rpc.request(one), call, timeoutMs),
    forget: () => rpc.forget?.(),
  };
}

/**
 * Asks each question once, for what has many checks and should see one state of the chain. Asks
 * anew what failed, what was not there, and which block has a number, for that may change. A block
 * tag that the node does not know stays unknown.
 */
export function rememberingRpc(rpc: Rpc): Rpc {
  const answers = new Map<string, Promise<unknown>>();
  return {
    request(call) {
      if (asksForNumber(call)) return rpc.request(call);
      const question = JSON.stringify(call);
      const known = answers.get(question) ?? rpc.request(call);
      answers.set(question, known);
      const forgetIf = (isGone: boolean) =>
        isGone && answers.get(question) === known && answers.delete(question);
      known.then(
        (answer) => forgetIf(answer === null && !asksForTag(call)),
        (error) => forgetIf(!(asksForTag(call) && namesNoBlock(error))),
      );
      return known;
    },
    forget() {
      answers.clear();
      rpc.forget?.();
    },
  };
}

/**
 * The node was asked for a block by its tag, and knows none: it answers so, or always fails on such
 * a question.
 */
export function namesNoBlock(error: unknown): boolean {
  return error instanceof RpcRefusedError && error.weight !== "failure";
}

function asksForNumber({ method, params }: RpcCall): boolean {
  return method === "eth_getBlockByNumber" && Array.isArray(params) && /^0x/.test(params[0]);
}

function asksForTag({ method, params }: RpcCall): boolean {
  return method === "eth_getBlockByNumber" && Array.isArray(params) && /^(safe|finalized)$/.test(params[0]);
}

async function requestInTime(transport: Transport, call: RpcCall, timeoutMs: number): Promise<unknown> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const ending = new AbortController();
  const timer = setTimeout(() => {
    reject(new RpcUnusableError(`${call.method}: no answer in ${timeoutMs} ms`));
    ending.abort();
  }, timeoutMs);
  const endsAtMs = performance.now() + timeoutMs;
  try {
    return await Promise.race([requestPatiently(transport, call, { signal: ending.signal, endsAtMs }), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function requestPatiently(
  transport: Transport,
  call: RpcCall,
  { signal, endsAtMs }: { signal: AbortSignal; endsAtMs: number },
): Promise<unknown> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await transport(call, signal);
    } catch (error) {
      const failure = rpcErrorOf(call.method, error);
      const pauseMs = isWorthRetrying(error, failure) ? RETRY_PAUSES_MS[attempt] : undefined;
      if (pauseMs === undefined || performance.now() + pauseMs >= endsAtMs) throw failure;
      await pause(pauseMs);
    }
  }
}

/** An RpcUnusableError that comes from below was retried there. */
function isWorthRetrying(error: unknown, failure: RpcUnusableError): boolean {
  if (error instanceof RpcUnusableError) return false;
  return !(failure instanceof RpcRefusedError && failure.weight === "answer");
}
