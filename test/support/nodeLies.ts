import { numberToHex } from "viem";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { type Lie, refusing, saying, when, withLog, withMembers } from "./lyingNode.ts";
import {
  BLOCK,
  CALL,
  CODE,
  genesis,
  inBlock,
  LOGS,
  logs,
  noAnswer,
  noCode,
  noLogs,
  none,
  noTx,
  OTHER,
  OTHER_ADDRESS,
  OTHER_HEAD,
  OTHER_LEAF_COUNT,
  ofAnchor,
  ofHashForm,
  ofHead,
  ofPlace,
  otherId,
  storedAnchor,
  TX,
} from "./rpcLies.ts";

/**
 * Lies that a node may tell about a receipt, by the outcome that they must lead to: a verdict, and
 * a reason where it has one.
 */
export type NodeLies = Record<string, Record<string, readonly Lie[]>>;

/**
 * About the second of two anchors in one block of a chain that has 300 blocks more. Each alone of a
 * genuine receipt.
 */
export function nodeLies({ anchor }: AnchorReceipt): NodeLies {
  const ofBlock = (lie: Lie) => ofPlace(numberToHex(anchor.blockNumber), lie);
  const stored = storedAnchor(anchor);
  const time = anchor.blockTimestamp;
  return {
    "unchecked rpcContradictory": {
      "an event that was removed": [withLog(LOGS, 1, { removed: true })],
      "a log of another block's number": [withLog(LOGS, 1, { blockNumber: "0x1" })],
      "a log of another block": [withLog(LOGS, 1, { blockHash: OTHER })],
      "a log of another transaction": [withLog(LOGS, 1, { transactionHash: OTHER })],
      "a log at another place": [withLog(LOGS, 1, { logIndex: "0x7" })],
      "two logs at one place": [withLog(LOGS, 1, { logIndex: "0x0" })],
      "logs in another order": [withLog(LOGS, 0, { logIndex: "0x9" })],
      "an event with another head": [withLog(LOGS, 1, OTHER_HEAD)],
      "an event before it with another head": [withLog(LOGS, 0, OTHER_HEAD)],
      "an event with another leaf count": [withLog(LOGS, 1, OTHER_LEAF_COUNT)],
      "the event twice": [logs(([first, second]) => [first!, second!, { ...second, logIndex: "0x9" }])],
      "the event twice, by another contract": [
        saying(CODE, () => "0x60016002"),
        logs(([first, second]) => [first!, second!, { ...second, logIndex: "0x9" }]),
      ],
      "logs without the one before it": [logs((all) => all.slice(1))],
      "logs without the event": [logs((all) => all.slice(0, 1))],
      "an event of a failed transaction": [withMembers(TX, { status: "0x0" })],
      "no logs, and a removed event of the transaction": [noLogs, withLog(TX, 1, { removed: true })],
      "no logs, and another block's event": [noLogs, withLog(TX, 1, { blockHash: OTHER })],
      "no logs, and another block number's event": [noLogs, withLog(TX, 1, { blockNumber: "0x1" })],
      "no logs, and another transaction's event": [noLogs, withLog(TX, 1, { transactionHash: OTHER })],
      "no logs, and another head": [noLogs, withLog(TX, 1, OTHER_HEAD)],
      "no logs, and a block that is two": [noLogs, inBlock({ blockHash: OTHER })],
      "another block": [ofBlock(withMembers(BLOCK, { hash: OTHER }))],
      "another time of the block": [ofBlock(withMembers(BLOCK, { timestamp: "0x7" }))],
      "one time of all blocks": [withMembers(BLOCK, { timestamp: "0x1" })],
      "a finalized block above the latest": [ofPlace("finalized", withMembers(BLOCK, { number: "0xffff" }))],
      "a safe block above the latest": [ofPlace("safe", withMembers(BLOCK, { number: "0xffff" }))],
      "a finalized block above the safe one": [genesis("safe")],
      "a finalized block that is another": [ofPlace("finalized", withMembers(BLOCK, { hash: OTHER }))],
      "a latest block from before": [genesis("latest")],
      "a latest block of old": [ofPlace("latest", withMembers(BLOCK, { timestamp: "0x1" }))],
      "no anchor": [stored(0, 0)],
      "no anchor and no logs": [stored(0, 0), noLogs],
      "no anchor and no transaction": [stored(0, 0), noTx],
      "an anchor with another leaf count": [stored(2, time)],
      "an anchor with another time": [stored(1, time - 1)],
      "an anchor of the future": [stored(1, 2 ** 40)],
      "an anchor without a time": [stored(1, 0)],
      "an anchor of the future, and no event": [stored(1, 2 ** 40), noLogs, noTx],
      "an anchor without a time, and no event": [stored(1, 0), noLogs, noTx],
      "an anchor without leaves": [stored(0, time)],
      "no code": [noCode],
      "no code and no answer": [noCode, noAnswer],
      "no code and no state": [noCode, refusing(CALL, -32000, "missing trie node 5a (path )")],
      "no code and no events": [noCode, noLogs, noTx],
      "no answer of the registry": [ofAnchor(noAnswer)],
      "a revert of the registry": [ofAnchor(refusing(CALL, 3, "execution reverted"))],
      "a revert in words": [ofAnchor(refusing(CALL, -32000, "VM Exception while processing: reverted"))],
      "another head of the publisher": [ofHead(saying(CALL, () => OTHER))],
      "an empty head of the publisher": [ofHead(saying(CALL, () => `0x${"0".repeat(64)}`))],
      "another block after it was asked by number": [
        ofHashForm(refusing(CODE, -32602, "invalid params")),
        when(([place]) => /^0x/.test(String(place)), withMembers(BLOCK, { hash: OTHER })),
      ],
    },
    "unchecked rpcUnusable": {
      "logs and transaction that were pruned": [refusing(LOGS, 4444, "pruned"), refusing(TX, 4444, "pruned")],
      "null for logs and transaction": [saying(LOGS, () => null), noTx],
      "no anchor, and no word of events": [stored(0, 0), refusing(LOGS, 4444, ""), refusing(TX, 4444, "")],
      "no answer, and no word of code": [refusing(CODE, -32000, "no"), noAnswer, noLogs, noTx],
      "no block": [ofBlock(saying(BLOCK, () => null))],
      "no block and no anchor": [ofBlock(saying(BLOCK, () => null)), stored(0, 0), noLogs, noTx],
      "no header": [ofBlock(refusing(BLOCK, -32000, "header not found"))],
      "another number of the block": [ofBlock(withMembers(BLOCK, { number: "0x1" }))],
      "no latest block": [none("latest")],
      "no state": [refusing(CALL, -32000, "missing trie node 5a (path )")],
      "a limit that speaks of reverting": [refusing(CALL, -32005, "execution reverted: rate limit")],
      "a limit in words": [refusing(CALL, -32000, "reverted: too many requests")],
      "an error that speaks of reverting": [refusing(CALL, -32000, "cannot tell if it would revert")],
      "null for an anchor": [saying(CALL, () => null)],
      "a number for an anchor": [saying(CALL, () => 7)],
      "half a byte": [saying(CALL, () => "0x1")],
      "a chain id in words": [saying("eth_chainId", () => "mainnet")],
      "a limit for a tag": [ofPlace("safe", refusing(BLOCK, -32005, "limit"))],
      "another call's id": [otherId("*")],
      "another call's id for the anchor": [otherId(CALL)],
      "half of an answer": [{ method: CALL, change: (answer) => JSON.stringify(answer).slice(0, -9) }],
      "a list of answers": [{ method: CALL, change: (answer) => JSON.stringify([answer]) }],
      "another version": [
        { method: CALL, change: (answer) => JSON.stringify({ ...answer, jsonrpc: "1.0" }) },
      ],
      "result and error": [
        { method: CALL, change: (answer) => ({ ...answer, error: { code: 3, message: "" } }) },
      ],
      "neither result nor error": [{ method: CALL, change: ({ id, jsonrpc }) => ({ id, jsonrpc }) }],
    },
    "unchecked eventNotServed": {
      "no logs and no transaction": [noLogs, noTx],
      "no logs, and a transaction without any": [noLogs, withMembers(TX, { logs: [] })],
      "no logs, and another transaction": [noLogs, withMembers(TX, { transactionHash: OTHER })],
    },
    "unchecked rpcBehind": {
      "a chain of its first block": [
        genesis("latest"),
        genesis("safe"),
        genesis("finalized"),
        ofBlock(saying(BLOCK, () => null)),
        noCode,
        noAnswer,
      ],
    },
    "unchecked blockNotFinal": {
      "another block, not final": [
        ofBlock(withMembers(BLOCK, { hash: OTHER })),
        noTx,
        genesis("safe"),
        genesis("finalized"),
      ],
    },
    unchecked: {
      "a latest block that is another": [ofPlace("latest", withMembers(BLOCK, { hash: OTHER }))],
      "a list of other transactions": [ofBlock(withMembers(BLOCK, { transactions: [OTHER] }))],
    },
    "unchecked chainIdMismatch": { "another chain": [saying("eth_chainId", () => "0x1")] },
    "unchecked contractUnknown": { "another contract's code": [saying(CODE, () => "0x60016002")] },
    "unchecked notReached": {
      "null for code": [saying(CODE, () => null)],
      "another call's id for code": [otherId(CODE)],
    },
    // The rest of the node's answers shows what this one does not.
    valid: {
      "a log of another contract": [withLog(LOGS, 1, { address: OTHER_ADDRESS })],
      "a log of another publisher": [withLog(LOGS, 1, { topics: [OTHER, OTHER, OTHER] })],
      "a log without data": [withLog(LOGS, 1, { data: "0x" })],
      "no logs": [noLogs],
      "null for logs": [saying(LOGS, () => null)],
      "logs that were pruned": [refusing(LOGS, 4444, "pruned history unavailable")],
      "no transaction": [noTx],
      "another transaction": [withMembers(TX, { transactionHash: OTHER })],
      "another parent of the block": [ofBlock(withMembers(BLOCK, { parentHash: OTHER }))],
      "no old state": [ofHead(refusing(CALL, -32000, "required historical state unavailable"))],
      "no list of transactions": [ofBlock(withMembers(BLOCK, { transactions: null }))],
      "no tags": [none("safe"), none("finalized")],
      "a tag with an internal error": [ofPlace("safe", refusing(BLOCK, -32603, "Internal error"))],
      "state by number alone": [CALL, CODE].map((method) =>
        ofHashForm(refusing(method, -32602, "invalid params")),
      ),
    },
    // Nothing else that the node says contradicts it.
    "invalid blockNotCanonical": {
      "another block that is final": [ofBlock(withMembers(BLOCK, { hash: OTHER })), noTx],
      "another block below 256": [
        ofBlock(withMembers(BLOCK, { hash: OTHER })),
        noTx,
        none("safe"),
        none("finalized"),
      ],
    },
    "invalid leafCountMismatch": { "another leaf count, and no event": [stored(2, time), noLogs, noTx] },
    "invalid blockTimestampMismatch": { "another time, and no event": [stored(1, time - 1), noLogs, noTx] },
    "invalid notAnchored": { "no anchor and no event": [stored(0, 0), noLogs, noTx] },
    "invalid contractNotFound": { "no code, no answer and no event": [noCode, noAnswer, noLogs, noTx] },
    "invalid eventMissing": {
      "a transaction in another block": [noLogs, inBlock({ blockHash: OTHER, blockNumber: "0x1" })],
    },
    "invalid logIndexMismatch": {
      "no logs, and another place": [noLogs, withLog(TX, 1, { logIndex: "0x7" })],
    },
  };
}
