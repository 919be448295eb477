import { encodeAbiParameters, toFunctionSelector } from "viem";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { type Lie, saying, when, withMembers } from "./lyingNode.ts";

type Members = Record<string, unknown>;

export const OTHER = `0x${"5a".repeat(32)}`;
const GENESIS = `0x${"a5".repeat(32)}`;
export const OTHER_ADDRESS = `0x${"5a".repeat(20)}`;
export const OTHER_HEAD = { data: `0x${"1".padStart(64, "0")}${OTHER.slice(2)}` };
export const OTHER_LEAF_COUNT = { data: `0x${"2".padStart(64, "0")}${OTHER.slice(2)}` };
export const BLOCK = "eth_getBlockByNumber";
export const LOGS = "eth_getLogs";
export const TX = "eth_getTransactionReceipt";
export const CALL = "eth_call";
export const CODE = "eth_getCode";
const anchorOfSelector = toFunctionSelector("anchorOf(address,bytes32)");
const headSelector = toFunctionSelector("head(address)");

export const ofPlace = (place: string, lie: Lie) => when(([one]) => one === place, lie);
export const ofHashForm = (lie: Lie) => when(([, place]) => typeof place === "object", lie);
export const ofAnchor = (lie: Lie) =>
  when(([call]) => (call as { data: string }).data.startsWith(anchorOfSelector), lie);
export const ofHead = (lie: Lie) =>
  when(([call]) => (call as { data: string }).data.startsWith(headSelector), lie);
export const genesis = (tag: string) =>
  ofPlace(tag, withMembers(BLOCK, { number: "0x0", timestamp: "0x1", hash: GENESIS }));
export const none = (tag: string) =>
  ofPlace(
    tag,
    saying(BLOCK, () => null),
  );
export const noLogs = saying(LOGS, () => []);
export const noTx = saying(TX, () => null);
export const noCode = saying(CODE, () => "0x");
export const noAnswer = saying(CALL, () => "0x");
export const otherId = (method: string): Lie => ({ method, change: (answer) => ({ ...answer, id: 77 }) });
export const inBlock = (members: Members) =>
  saying(TX, (result) => {
    const tx = result as { logs: Members[] };
    return { ...tx, ...members, logs: tx.logs.map((log) => ({ ...log, ...members })) };
  });
export const logs = (change: (logs: Members[]) => Members[]) =>
  saying(LOGS, (result) => change(result as Members[]));

/** What a lying contract answers to anchorOf. */
export function storedAnchor({ blockNumber }: AnchorReceipt["anchor"]) {
  const words = [{ type: "uint64" }, { type: "uint64" }, { type: "uint32" }] as const;
  return (leafCount: number, time: number): Lie => {
    const result = encodeAbiParameters(words, [BigInt(blockNumber), BigInt(time), leafCount]);
    return ofAnchor(saying(CALL, () => result));
  };
}
