import { type Block, readBlock } from "./chainReader.ts";
import type { Warning } from "./reason.ts";
import { namesNoBlock, type Rpc } from "./rpc.ts";
import type { Finality } from "./verification.ts";

/**
 * The blocks that the chain's own tags name. Null when the node names none: it may have no such
 * tag, or no such block yet.
 */
export type TaggedBlocks = { safe: Block | null; finalized: Block | null };

/** @throws {RpcUnusableError} when the node gives no usable answer, a rate limit among them. */
export async function readTags(rpc: Rpc): Promise<TaggedBlocks> {
  // The firmer one first, so that a chain that grows in between cannot bring them out of their
  // order.
  const finalized = await readTag(rpc, "finalized");
  return { finalized, safe: await readTag(rpc, "safe") };
}

/**
 * How final a canonical block is, and which tags the node does not name. What it does not name is
 * never taken for reached.
 */
export function finalityOf(
  { safe, finalized }: TaggedBlocks,
  blockNumber: bigint,
): { finality: Finality; warnings: Warning[] } {
  const reaches = (tagged: Block | null) => tagged !== null && tagged.number >= blockNumber;
  const finality = reaches(finalized) ? "finalized" : reaches(safe) ? "safe" : "included";
  return { finality, warnings: warningsOf(safe, finalized) };
}

function warningsOf(safe: Block | null, finalized: Block | null): Warning[] {
  if (safe === null && finalized === null) return ["finalityUnknown"];
  if (safe === null) return ["safeUnknown"];
  return finalized === null ? ["finalizedUnknown"] : [];
}

/** Some nodes say as null that they have no such block, and some as an error. */
async function readTag(rpc: Rpc, tag: "safe" | "finalized"): Promise<Block | null> {
  try {
    return await readBlock(rpc, tag);
  } catch (error) {
    if (namesNoBlock(error)) return null;
    throw error;
  }
}
