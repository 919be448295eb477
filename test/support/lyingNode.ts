import type { JsonRpcAnswer, RpcCall } from "./rpcFault.ts";
import { type RpcProxy, startRpcProxy } from "./rpcProxy.ts";

/** What is made of a node's answer; a text is the whole HTTP body. */
export type Lie = {
  method: string;
  change: (answer: JsonRpcAnswer, call: RpcCall) => JsonRpcAnswer | string;
};

type Members = Record<string, unknown>;

/**
 * A proxy before a node that tells these lies on every matching call; of one method the lies follow
 * one another.
 */
export async function startLyingNode(target: string, lies: readonly Lie[]): Promise<RpcProxy> {
  const proxy = await startRpcProxy({ target });
  for (const method of new Set(lies.map((lie) => lie.method))) {
    const changes = lies.filter((lie) => lie.method === method).map(({ change }) => change);
    const change: Lie["change"] = (answer, call) =>
      changes.reduce<JsonRpcAnswer | string>(
        (one, next) => (typeof one === "string" ? one : next(one, call)),
        answer,
      );
    proxy.addRule({ method, times: Number.MAX_SAFE_INTEGER, fault: { kind: "alter", change } });
  }
  return proxy;
}

/** Another result. */
export function saying(method: string, change: (result: unknown, call: RpcCall) => unknown): Lie {
  return { method, change: (answer, call) => ({ ...answer, result: change(answer.result, call) }) };
}

/** A JSON-RPC error in place of a result. */
export function refusing(method: string, code: number, message: string): Lie {
  return { method, change: ({ jsonrpc, id }) => ({ jsonrpc, id, error: { code, message } }) };
}

/** The lie, for calls alone that it is meant for. */
export function when(isMeant: (params: readonly unknown[]) => boolean, { method, change }: Lie): Lie {
  return { method, change: (answer, call) => (isMeant(call.params) ? change(answer, call) : answer) };
}

/** Other members in the object that is the result. */
export function withMembers(method: string, members: Members): Lie {
  return saying(method, (result) => result && { ...(result as Members), ...members });
}

/**
 * Other members in the log at that place of the result, which is a list of logs or a transaction's
 * receipt.
 */
export function withLog(method: string, place: number, members: Members): Lie {
  const change = (logs: Members[]) => logs.map((log, at) => (at === place ? { ...log, ...members } : log));
  return saying(method, (result) => {
    if (Array.isArray(result)) return change(result);
    const txReceipt = result as Members & { logs: Members[] };
    return txReceipt && { ...txReceipt, logs: change(txReceipt.logs) };
  });
}
