import { encodeEventTopics } from "viem";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import type { Hex } from "#protocol/bytes.ts";
import type { BlockPlace } from "./chainReader.ts";
import type { AnchorKey } from "./registryReader.ts";
import type { Rpc } from "./rpc.ts";
import { bytesOf, hashOf, listOf, objectOf, quantityOf, wordsOf } from "./rpcAnswer.ts";
import { RpcContradictoryError, RpcUnusableError } from "./rpcError.ts";

export type AnchoredEvent = {
  root: Hex;
  leafCount: bigint;
  head: Hex;
  txHash: Hex;
  logIndex: bigint;
  blockNumber: bigint;
};
/** A publisher's events in one transaction. */
export type TxEvents = { block: BlockPlace; events: AnchoredEvent[] };

type Members = Record<string, unknown>;
/** `contract` and the first two `topics` say whose events are meant. */
type Emitter = { contract: Hex; topics: readonly Hex[] };

const UINT32_MAX = 0xffff_ffffn;

/**
 * All events of the publisher in a block, in their order. Asked by the block's hash, so that no
 * reorganisation can come in between.
 */
export async function readBlockEvents(rpc: Rpc, key: AnchorKey, blockHash: Hex): Promise<AnchoredEvent[]> {
  const emitter = emitterOf(key);
  const filter = { address: emitter.contract, topics: emitter.topics, blockHash };
  const answer = await rpc.request({ method: "eth_getLogs", params: [filter] });
  const logs = listOf(answer).map(objectOf);
  if (!logs.every((log) => isFrom(log, emitter)))
    throw new RpcUnusableError("the node answered an event that was not asked for");
  return inOrder(logs.map((log) => eventOf(log, blockHash)));
}

/**
 * The publisher's events in a transaction of the canonical chain; null when the node knows no such
 * transaction.
 */
export async function readTxEvents(rpc: Rpc, key: AnchorKey, txHash: Hex): Promise<TxEvents | null> {
  const answer = await rpc.request({ method: "eth_getTransactionReceipt", params: [txHash] });
  if (answer === null) return null;
  const txReceipt = objectOf(answer);
  if (hashOf(txReceipt.transactionHash) !== txHash)
    throw new RpcUnusableError("the node answered another transaction");
  const block = { number: quantityOf(txReceipt.blockNumber), hash: hashOf(txReceipt.blockHash) };
  const emitter = emitterOf(key);
  const logs = listOf(txReceipt.logs)
    .map(objectOf)
    .filter((log) => isFrom(log, emitter));
  const events = inOrder(logs.map((log) => eventOf(log, block.hash)));
  const isFailed = (txReceipt.status ?? null) !== null && quantityOf(txReceipt.status) !== 1n;
  const areOwn = events.every((event) => event.txHash === txHash && event.blockNumber === block.number);
  if (!areOwn || (isFailed && events.length > 0))
    throw new RpcContradictoryError("a transaction has the events of another one, or failed and has events");
  return { block, events };
}

function emitterOf({ contract, publisher }: AnchorKey): Emitter {
  const topics = encodeEventTopics({ abi: anchorRegistryAbi, eventName: "Anchored", args: { publisher } });
  return { contract, topics: topics.slice(0, 2).map(hashOf) };
}

function isFrom(log: Members, { contract, topics }: Emitter): boolean {
  const logTopics = listOf(log.topics).map(hashOf);
  return (
    String(log.address).toLowerCase() === contract &&
    logTopics.length === 3 &&
    topics.every((topic, place) => logTopics[place] === topic)
  );
}

function eventOf(log: Members, blockHash: Hex): AnchoredEvent {
  if ((log.removed ?? false) !== false)
    throw new RpcContradictoryError("a block has an event that was removed");
  if (hashOf(log.blockHash) !== blockHash)
    throw new RpcContradictoryError("a block has the event of another block");
  const data = bytesOf(log.data);
  const [leafCount] = wordsOf(data, 2) ?? [];
  if (leafCount === undefined || leafCount > UINT32_MAX)
    throw new RpcUnusableError("the node's event does not decode");
  return {
    root: hashOf(listOf(log.topics)[2]),
    leafCount,
    head: hashOf(`0x${data.slice(-64)}`),
    txHash: hashOf(log.transactionHash),
    logIndex: quantityOf(log.logIndex),
    blockNumber: quantityOf(log.blockNumber),
  };
}

function inOrder(events: readonly AnchoredEvent[]): AnchoredEvent[] {
  const sorted = events.toSorted((one, other) => Number(one.logIndex - other.logIndex));
  if (new Set(sorted.map(({ logIndex }) => logIndex)).size < sorted.length)
    throw new RpcContradictoryError("two events have one place in a block");
  return sorted;
}
