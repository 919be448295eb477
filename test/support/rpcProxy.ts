import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { applyFault, type JsonRpcRequest, type Outcome, type RpcCall, type RpcFault } from "./rpcFault.ts";

export type RpcRule = {
  /** A method's name, or "*" for every call. */
  method: string;
  /** The first matching call (counted from 1 since the rule was added) that it applies to. Default 1. */
  nth?: number;
  /** For how many matching calls it applies. Default 1. */
  times?: number;
  fault: RpcFault;
};

export type AddedRule = { applied(): number; remove(): void };

export type RpcProxy = {
  url: string;
  /** Every call since the start, in order of arrival. */
  calls: readonly RpcCall[];
  callsTo(method: string): readonly RpcCall[];
  /** Of several rules that match a call the one added last decides; all of them count it. */
  addRule(rule: RpcRule): AddedRule;
  clearRules(): void;
  /** Awaited for every call before its rule is looked up. Pass null to take it away. */
  onCall(hook: ((call: RpcCall) => unknown) | null): void;
  stop(): Promise<void>;
};

type ActiveRule = Required<RpcRule> & { seen: number; applied: number };

/** A JSON-RPC proxy before the node at `target`, on a free loopback port, that misbehaves on demand. */
export async function startRpcProxy({ target }: { target: string }): Promise<RpcProxy> {
  const calls: RpcCall[] = [];
  let rules: ActiveRule[] = [];
  let hook: ((call: RpcCall) => unknown) | null = null;

  const carryOut = async (request: JsonRpcRequest): Promise<Outcome> => {
    const call: RpcCall = { method: request.method, params: request.params ?? [], forwarded: 0 };
    calls.push(call);
    await hook?.(call);
    return applyFault(faultFor(rules, call.method), call, request, target);
  };

  const server = createServer((request, response) => {
    answerHttp(request, response, carryOut).catch(() => response.destroy()); // the node is gone: so are we
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    callsTo: (method) => calls.filter((call) => call.method === method),
    addRule(rule) {
      const active: ActiveRule = { nth: 1, times: 1, ...rule, seen: 0, applied: 0 };
      rules = [active, ...rules];
      return {
        applied: () => active.applied,
        remove() {
          rules = rules.filter((other) => other !== active);
        },
      };
    },
    clearRules() {
      rules = [];
    },
    onCall(next) {
      hook = next;
    },
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function faultFor(rules: readonly ActiveRule[], method: string): RpcFault | undefined {
  const due = rules
    .filter((rule) => rule.method === "*" || rule.method === method)
    .filter((rule) => ++rule.seen >= rule.nth && rule.seen < rule.nth + rule.times);
  if (due[0]) due[0].applied++;
  return due[0]?.fault;
}

async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  carryOut: (request: JsonRpcRequest) => Promise<Outcome>,
): Promise<void> {
  const body = JSON.parse(await textOf(request)) as JsonRpcRequest | JsonRpcRequest[];
  const outcomes: Outcome[] = [];
  for (const one of [body].flat()) {
    const outcome = await carryOut(one);
    outcomes.push(outcome);
    if (outcome.kind !== "answer") break; // the rest of a batch shares its fate, unforwarded
  }
  const last = outcomes.at(-1)!;
  if (last.kind === "cut") return void response.destroy();
  if (last.kind === "raw") return void response.writeHead(last.status).end(last.body);

  const answers = outcomes.filter((outcome) => outcome.kind === "answer");
  const text = JSON.stringify(Array.isArray(body) ? answers.map(({ answer }) => answer) : answers[0]!.answer);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  response.writeHead(200, headers).end(text);
  if (answers.some(({ twice }) => twice)) writeAgain(response, headers, text);
}

/** An answer nobody asked for: it can only go out beside Node's own HTTP writer. */
function writeAgain(response: ServerResponse, headers: Record<string, string | number>, body: string): void {
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { socket } = response;
  response.once("finish", () => socket?.write(`HTTP/1.1 200 OK\r\n${head.join("")}\r\n${body}`));
}

async function textOf(request: IncomingMessage): Promise<string> {
  request.setEncoding("utf8");
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}
