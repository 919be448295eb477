import { type Block, readBlock } from "./chainReader.ts";
import type { Warning } from "./reason.ts";
import { type Rpc, RpcRefusedError } from "./rpc.ts";
import type { Finality } from "./verification.ts";

/**
 * How final a canonical block is by the chain's own tags, and which of them the node did not name: it may have none, or have
 * heard of none yet. What it does not name is never taken for reached.
 * @throws {RpcUnusableError} when the node gives no usable answer, a rate limit or an internal error among them.
 */
export async function readFinality(
  rpc: Rpc,
  blockNumber: bigint,
): Promise<{ finality: Finality; warnings: Warning[] }> {
  const [safe, finalized] = await Promise.all([readTag(rpc, "safe"), readTag(rpc, "finalized")]);
  const reaches = (tagged: Block | null) => tagged !== null && tagged.number >= blockNumber;
  const finality = reaches(finalized) ? "finalized" : reaches(safe) ? "safe" : "included";
  return { finality, warnings: warningsOf(safe, finalized) };
}

function warningsOf(safe: Block | null, finalized: Block | null): Warning[] {
  if (safe === null && finalized === null) return ["finalityUnknown"];
  if (safe === null) return ["safeUnknown"];
  return finalized === null ? ["finalizedUnknown"] : [];
}

/** Null when the node answers that it has no such block, which some say as null and some as an error. */
async function readTag(rpc: Rpc, tag: "safe" | "finalized"): Promise<Block | null> {
  try {
    return await readBlock(rpc, tag);
  } catch (error) {
    if (error instanceof RpcRefusedError && error.isAnswer) return null;
    throw error;
  }
}
