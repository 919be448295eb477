import { setTimeout as delay } from "node:timers/promises";
import { keccak256 } from "viem";

export type JsonRpcRequest = { id: unknown; method: string; params?: readonly unknown[] };
export type JsonRpcAnswer = {
  jsonrpc: "2.0";
  id: unknown;
  result?: unknown;
  error?: { code: number; message: string };
};

/** One JSON-RPC call as it arrived, and what became of it. */
export type RpcCall = {
  method: string;
  params: readonly unknown[];
  /** How many times the node was asked. */
  forwarded: number;
  /** What the node said last (the whole JSON-RPC answer), if it was asked. */
  answer?: JsonRpcAnswer;
};

/** What happens to a call instead of being passed on. `forward` tells whether the node carries it out all the same. */
export type RpcFault =
  | { kind: "error"; code: number; message: string; forward?: boolean }
  /** Cuts the client's connection. `meanwhile` runs before the cut: with `forward`, after the node's answer. */
  | { kind: "drop"; forward: boolean; meanwhile?: (call: RpcCall) => unknown }
  /** Waits before the node is asked, or with `forward` between its answer and ours. */
  | { kind: "delay"; forward: boolean; delayMs: number }
  | { kind: "httpStatus"; status: number; forward?: boolean }
  /** 200 with a body that is no JSON-RPC answer. Default body: an HTML page. */
  | { kind: "garbage"; body?: string; forward?: boolean }
  /** Asks the node twice and answers with what it said the second time. */
  | { kind: "sendTwice" }
  /** Writes the same HTTP answer twice on the connection. */
  | { kind: "answerTwice" }
  /** Answers with what `change` makes of the node's answer; a text goes out as the whole HTTP body. */
  | { kind: "alter"; change: (answer: JsonRpcAnswer, call: RpcCall) => JsonRpcAnswer | string }
  /** For eth_sendRawTransaction: the right hash, while the node never hears of it. */
  | { kind: "loseTransaction" };

/** What one call asks of the HTTP answer as a whole; the first in a batch that asks for something gets it. */
export type Outcome =
  | { kind: "answer"; answer: JsonRpcAnswer; twice?: boolean }
  | { kind: "cut" }
  | { kind: "raw"; status: number; body: string };

/** Nodes' refusals of a transaction, as geth words them. */
export const refusals = {
  nonceTooLow: { kind: "error", code: -32000, message: "nonce too low" },
  underpriced: { kind: "error", code: -32000, message: "replacement transaction underpriced" },
  insufficientFunds: { kind: "error", code: -32000, message: "insufficient funds for gas * price + value" },
} as const satisfies Record<string, RpcFault>;

/** Carries out `call` against the node at `target` as `fault` has it; without one, as the node does. */
export async function applyFault(
  fault: RpcFault | undefined,
  call: RpcCall,
  request: JsonRpcRequest,
  target: string,
): Promise<Outcome> {
  const forward = () => askNode(target, request, call);
  const fail = (code: number, message: string): Outcome => ({
    kind: "answer",
    answer: { jsonrpc: "2.0", id: request.id, error: { code, message } },
  });
  if (!fault) return { kind: "answer", answer: await forward() };
  if ("forward" in fault && fault.forward) await forward();

  switch (fault.kind) {
    case "error":
      return fail(fault.code, fault.message);
    case "drop":
      await fault.meanwhile?.(call);
      return { kind: "cut" };
    case "delay":
      await delay(fault.delayMs);
      return { kind: "answer", answer: call.answer ?? (await forward()) };
    case "httpStatus":
      return { kind: "raw", status: fault.status, body: "" };
    case "garbage":
      return { kind: "raw", status: 200, body: fault.body ?? "<html>Bad gateway</html>" };
    case "sendTwice":
      await forward();
      return { kind: "answer", answer: await forward() };
    case "answerTwice":
      return { kind: "answer", answer: await forward(), twice: true };
    case "alter": {
      const altered = fault.change(structuredClone(await forward()), call);
      if (typeof altered === "string") return { kind: "raw", status: 200, body: altered };
      return { kind: "answer", answer: altered };
    }
    case "loseTransaction": {
      const result = keccak256(call.params[0] as `0x${string}`);
      return { kind: "answer", answer: { jsonrpc: "2.0", id: request.id, result } };
    }
  }
}

async function askNode(target: string, request: JsonRpcRequest, call: RpcCall): Promise<JsonRpcAnswer> {
  call.forwarded++;
  const response = await fetch(target, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  call.answer = (await response.json()) as JsonRpcAnswer;
  return call.answer;
}
