import { numberToHex } from "viem";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { type Lie, refusing, saying, withLog, withMembers } from "./lyingNode.ts";
import {
  BLOCK,
  CALL,
  CODE,
  genesis,
  LOGS,
  noAnswer,
  noCode,
  noLogs,
  noTx,
  OTHER,
  OTHER_LEAF_COUNT,
  ofPlace,
  otherId,
  storedAnchor,
} from "./rpcLies.ts";

/** Forged receipts, each with the one lie that would bear it out if that were all that is asked. */
export function liesForForged({
  anchor,
}: AnchorReceipt): [change: Partial<AnchorReceipt["anchor"]>, lie: Lie][] {
  const ofBlock = (lie: Lie) => ofPlace(numberToHex(anchor.blockNumber), lie);
  const later = anchor.blockTimestamp + 1;
  return [
    [{ logIndex: 7 }, withLog(LOGS, 1, { logIndex: "0x7" })],
    [{ txHash: OTHER as `0x${string}` }, withLog(LOGS, 1, { transactionHash: OTHER })],
    [{ blockTimestamp: later }, ofBlock(withMembers(BLOCK, { timestamp: numberToHex(later) }))],
    [{ blockTimestamp: later }, storedAnchor(anchor)(1, later)],
    [{ leafCount: 2 }, storedAnchor(anchor)(2, anchor.blockTimestamp)],
    [{ leafCount: 2 }, withLog(LOGS, 1, OTHER_LEAF_COUNT)],
    [{ blockHash: OTHER as `0x${string}` }, ofBlock(withMembers(BLOCK, { hash: OTHER }))],
    [
      { blockNumber: anchor.blockNumber + 1 },
      ofPlace(numberToHex(anchor.blockNumber + 1), withMembers(BLOCK, { hash: anchor.blockHash })),
    ],
  ];
}

/**
 * What nodes say in a moment in which they lag, or are of different minds; `nth`, `times`: to which
 * calls of the method.
 */
export const passingMistakes: Record<string, readonly (Lie & { nth?: number; times?: number })[]> = {
  "state that is not there yet": [{ ...refusing(CALL, -32000, "header not found"), times: 3 }],
  "code that is not there yet": [{ ...refusing(CODE, -32000, "block not found"), times: 2 }],
  "a block that is not there yet": [{ ...saying(BLOCK, () => null), nth: 4, times: 2 }],
  "a latest block from before": [{ ...genesis("latest"), times: 4 }],
  "logs and transaction that are not there yet": [noLogs, noTx],
  "an anchor that is not there yet": [saying(CALL, () => `0x${"0".repeat(192)}`)],
  "a contract that is not there yet": [noCode, noAnswer, noLogs, noTx],
  "an event that was removed": [withLog(LOGS, 1, { removed: true })],
  "a limit": [otherId("eth_chainId"), refusing(LOGS, -32005, "limit"), refusing(CALL, 429, "limit")],
};
