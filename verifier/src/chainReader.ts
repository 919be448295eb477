import { numberToHex } from "viem";
import type { Hex } from "#protocol/bytes.ts";
import type { Rpc } from "./rpc.ts";
import { hashOf, objectOf, quantityOf } from "./rpcAnswer.ts";
import { RpcUnusableError } from "./rpcError.ts";

export type BlockTag = "latest" | "safe" | "finalized";
export type BlockPlace = { number: bigint; hash: Hex };
/** `timestamp`: seconds since 1970. */
export type Block = BlockPlace & {
  parentHash: Hex;
  timestamp: bigint;
  /** Hashes of all its transactions; null when the node does not list them. */
  transactions: readonly Hex[] | null;
};

/** @throws {RpcUnusableError} as all readers, when the node gives no usable answer. */
export async function readChainId(rpc: Rpc): Promise<bigint> {
  return quantityOf(await rpc.request({ method: "eth_chainId" }));
}

/** A block of the canonical chain; null when the node has none there. */
export async function readBlock(rpc: Rpc, at: BlockTag | bigint): Promise<Block | null> {
  const place = typeof at === "bigint" ? numberToHex(at) : at;
  const answer = await rpc.request({ method: "eth_getBlockByNumber", params: [place, false] });
  if (answer === null) return null;
  const { number, hash, parentHash, timestamp, transactions } = objectOf(answer);
  const block = {
    number: quantityOf(number),
    hash: hashOf(hash),
    parentHash: hashOf(parentHash),
    timestamp: quantityOf(timestamp),
    transactions: hashesOf(transactions),
  };
  if (typeof at === "bigint" && block.number !== at)
    throw new RpcUnusableError("the node answered another block");
  return block;
}

function hashesOf(transactions: unknown): readonly Hex[] | null {
  if (!Array.isArray(transactions) || !transactions.every((one) => typeof one === "string")) return null;
  return transactions.map(hashOf);
}
