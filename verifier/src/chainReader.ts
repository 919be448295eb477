import {
  decodeEventLog,
  decodeFunctionResult,
  encodeEventTopics,
  encodeFunctionData,
  numberToHex,
} from "viem";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import type { Hex } from "#protocol/bytes.ts";
import { type Rpc, RpcRefusedError, RpcUnusableError } from "./rpc.ts";
import { bytesOf, hashOf, listOf, objectOf, quantityOf } from "./rpcAnswer.ts";

export type BlockTag = "latest" | "safe" | "finalized";
/** `timestamp`: seconds since 1970. */
export type Block = { number: bigint; hash: Hex; timestamp: bigint };
/** Which anchor: addresses in lower case, for viem refuses a mixed case that is no checksum. */
export type AnchorKey = { contract: Hex; publisher: Hex; root: Hex };
export type StoredAnchor = { leafCount: number; blockTimestamp: bigint };
export type AnchoredEvent = { txHash: Hex; logIndex: bigint; leafCount: number };

/** @throws {RpcUnusableError} as all functions here, when the node gives no usable answer. */
export async function readChainId(rpc: Rpc): Promise<bigint> {
  return quantityOf(await rpc.request({ method: "eth_chainId" }));
}

/** A block of the canonical chain; null when the node has none there. */
export async function readBlock(rpc: Rpc, at: BlockTag | bigint): Promise<Block | null> {
  const place = typeof at === "bigint" ? numberToHex(at) : at;
  const answer = await rpc.request({ method: "eth_getBlockByNumber", params: [place, false] });
  if (answer === null) return null;
  const { number, hash, timestamp } = objectOf(answer);
  const block = { number: quantityOf(number), hash: hashOf(hash), timestamp: quantityOf(timestamp) };
  if (typeof at === "bigint" && block.number !== at)
    throw new RpcUnusableError("the node answered another block");
  return block;
}

/** What `anchorOf` answers, all zero when nothing is anchored; null when no registry answers at the address. */
export async function readAnchor(rpc: Rpc, key: AnchorKey, atBlock: bigint): Promise<StoredAnchor | null> {
  const args = [key.publisher, key.root] as const;
  const data = encodeFunctionData({ abi: anchorRegistryAbi, functionName: "anchorOf", args });
  const params = [{ to: key.contract, data }, numberToHex(atBlock)];
  const answer = await rpc.request({ method: "eth_call", params }).catch(nullIfReverted);
  if (answer === null) return null;
  const result = bytesOf(answer);
  if (result.length !== 2 + 3 * 64) return null;
  // The contract's own block number is left aside: on some chains block.number is another chain's.
  const [, blockTimestamp, leafCount] = decode(() =>
    decodeFunctionResult({ abi: anchorRegistryAbi, functionName: "anchorOf", data: result }),
  );
  return { blockTimestamp, leafCount };
}

/** The events of an anchor in one block; asked by the block's hash, so that a reorganisation cannot come in between. */
export async function readAnchoredEvents(rpc: Rpc, key: AnchorKey, blockHash: Hex): Promise<AnchoredEvent[]> {
  const args = { publisher: key.publisher, root: key.root };
  const topics = encodeEventTopics({ abi: anchorRegistryAbi, eventName: "Anchored", args });
  const filter = { address: key.contract, topics, blockHash };
  const logs = listOf(await rpc.request({ method: "eth_getLogs", params: [filter] }));
  return logs.map((log) => anchoredEventOf(objectOf(log), filter));
}

type LogFilter = { address: Hex; topics: readonly unknown[]; blockHash: Hex };

function anchoredEventOf(log: Record<string, unknown>, filter: LogFilter): AnchoredEvent {
  const topics = listOf(log.topics).map(hashOf);
  const isAsAsked =
    String(log.address).toLowerCase() === filter.address &&
    hashOf(log.blockHash) === filter.blockHash &&
    topics.join() === filter.topics.join().toLowerCase();
  if (!isAsAsked) throw new RpcUnusableError("the node answered an event that was not asked for");
  const data = bytesOf(log.data);
  const { args } = decode(() =>
    decodeEventLog({
      abi: anchorRegistryAbi,
      eventName: "Anchored",
      data,
      topics: topics as [Hex, ...Hex[]],
    }),
  );
  return {
    txHash: hashOf(log.transactionHash),
    logIndex: quantityOf(log.logIndex),
    leafCount: args.leafCount,
  };
}

function decode<T>(decodeAnswer: () => T): T {
  try {
    return decodeAnswer();
  } catch (cause) {
    throw new RpcUnusableError("the node's answer does not decode", { cause });
  }
}

/** JSON-RPC's code for a reverted call is 3; some nodes say it in words only. */
function nullIfReverted(error: unknown): null {
  if (error instanceof RpcRefusedError && (error.code === 3 || /revert/i.test(error.message))) return null;
  throw error;
}
