import { type Block, readBlock } from "./chainReader.ts";
import { type Rpc, RpcRefusedError } from "./rpc.ts";
import type { Finality } from "./verification.ts";

/**
 * How final a canonical block is by the chain's own tags; null when the chain has none of them.
 * @throws {RpcUnusableError} when the node gives no usable answer; a refused tag is one that the chain does not have.
 */
export async function readFinality(rpc: Rpc, blockNumber: bigint): Promise<Finality | null> {
  const [safe, finalized] = await Promise.all([readTag(rpc, "safe"), readTag(rpc, "finalized")]);
  if (safe === null && finalized === null) return null;
  if (finalized !== null && finalized.number >= blockNumber) return "finalized";
  return safe !== null && safe.number >= blockNumber ? "safe" : "included";
}

async function readTag(rpc: Rpc, tag: "safe" | "finalized"): Promise<Block | null> {
  try {
    return await readBlock(rpc, tag);
  } catch (error) {
    if (error instanceof RpcRefusedError) return null;
    throw error;
  }
}
