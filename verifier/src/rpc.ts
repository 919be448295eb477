import { createClient, http } from "viem";

/** Anything that carries out JSON-RPC calls: an EIP-1193 provider, a viem client. */
export type Rpc = { request(call: { method: string; params?: unknown }): Promise<unknown> };

/** The node behind the RPC gave no answer, or one that is not what was asked. */
export class RpcUnusableError extends Error {
  override readonly name = "RpcUnusableError";
}

/** The node understood the call and refused it. `code` as in JSON-RPC. */
export class RpcRefusedError extends RpcUnusableError {
  readonly code: number;

  constructor(method: string, { code, cause }: { code: number; cause: unknown }) {
    super(`${method}: ${textOf(cause)}`, { cause });
    this.code = code;
  }
}

const RETRIES = 1;

/** @param timeoutMs per call, retries included. */
export function rpcOf(rpc: string | Rpc, timeoutMs: number): Rpc {
  const bare = typeof rpc === "string" ? rpcOfUrl(rpc, timeoutMs) : rpc;
  return { request: (call) => requestInTime(bare, call, timeoutMs) };
}

function rpcOfUrl(url: string, timeoutMs: number): Rpc {
  if (!URL.canParse(url))
    return { request: () => Promise.reject(new RpcUnusableError("the RPC URL is no URL")) };
  const transport = http(url, { timeout: timeoutMs / (RETRIES + 1), retryCount: RETRIES });
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
    const code = refusalCodeOf(error);
    if (code !== null) throw new RpcRefusedError(call.method, { code, cause: error });
    throw new RpcUnusableError(`${call.method}: ${textOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * viem and EIP-1193 providers put JSON-RPC's code on the error or on a cause of it. Other errors have codes too (an aborted
 * request, a socket), so only JSON-RPC's own range and geth's 3 for a revert are taken for a node's word.
 */
function refusalCodeOf(error: unknown): number | null {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ("code" in one && typeof one.code === "number" && isRefusalCode(one.code)) return one.code;
  }
  return null;
}

function isRefusalCode(code: number): boolean {
  return code === 3 || (code >= -32768 && code <= -32000);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "details" in error && typeof error.details === "string" ? error.details : error.message;
}
