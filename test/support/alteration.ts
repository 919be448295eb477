import fc from "fast-check";
import type { JsonRpcAnswer } from "./rpcFault.ts";

/** What becomes of a node's answers to calls of one method, from the `nth` on, `times` over. */
export type Alteration = {
  method: string;
  nth: number;
  times: number;
  change: (answer: JsonRpcAnswer) => JsonRpcAnswer | string;
};

type Change = Alteration["change"];
type Place = (string | number)[];

const methods = [
  "eth_chainId",
  "eth_getBlockByNumber",
  "eth_getBlockByNumber",
  "eth_getCode",
  "eth_call",
  "eth_call",
  "eth_getLogs",
  "eth_getTransactionReceipt",
];
const codes = [3, 26, 429, 4444, -32000, -32001, -32005, -32016, -32601, -32602, -32603, -39001];
const texts = [
  "execution reverted",
  "VM Exception while processing transaction: reverted",
  "rate limit exceeded, reverting",
  "header not found",
  "missing trie node 5a (path )",
  "finalized block not found",
  "internal error",
  "invalid argument 1",
  "",
];
const results = [
  null,
  [],
  {},
  "0x",
  "0x0",
  "0x1",
  `0x${"0".repeat(64)}`,
  `0x${"0".repeat(192)}`,
  0,
  false,
  "",
];
const values = [
  null,
  "0x0",
  "0x1",
  "0x7",
  "0xffff",
  `0x${"5a".repeat(32)}`,
  `0x${"5a".repeat(20)}`,
  [],
  true,
];

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constantFrom(...results).map(
    (result): Change =>
      (answer) => ({ ...answer, result }),
  ),
  fc.record({ code: fc.constantFrom(...codes), message: fc.constantFrom(...texts) }).map(
    (error): Change =>
      ({ jsonrpc, id }) => ({ jsonrpc, id, error }),
  ),
  fc.nat().map(
    (id): Change =>
      (answer) => ({ ...answer, id: 1_000 + id }),
  ),
  fc.nat().map(
    (at): Change =>
      (answer) => {
        const text = JSON.stringify(answer);
        return text.slice(0, at % text.length);
      },
  ),
  { weight: 3, arbitrary: fc.record({ pick: fc.nat(), value: fc.constantFrom(...values) }).map(replacing) },
);

/**
 * Of the answers that a verification asks for: which method, which call of it, once or from then
 * on, and what becomes of it.
 */
export const alteration: fc.Arbitrary<Alteration> = fc.record({
  method: fc.constantFrom(...methods),
  nth: fc.integer({ min: 1, max: 4 }),
  times: fc.constantFrom(1, 1_000),
  change,
});

/** Another value at some place in the result. */
function replacing({ pick, value }: { pick: number; value: unknown }): Change {
  return (answer) => {
    const places = placesOf(answer.result);
    const place = places[pick % places.length];
    return place === undefined ? answer : { ...answer, result: withValue(answer.result, place, value) };
  };
}

/** Ways to all values in a result, the result itself first. */
function placesOf(value: unknown, above: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [above];
  return [above, ...Object.entries(value).flatMap(([name, below]) => placesOf(below, [...above, name]))];
}

function withValue(owner: unknown, [name, ...below]: Place, value: unknown): unknown {
  if (name === undefined) return value;
  const copy = structuredClone(owner) as Record<string | number, unknown>;
  copy[name] = withValue(copy[name], below, value);
  return copy;
}
