import type { Hex } from "#protocol/bytes.ts";
import {
  type ContractFacts,
  type CrossCheck,
  type CrossCheckFailure,
  crossCheck,
} from "#protocol/crossCheck.ts";
import type { Chain } from "../chain/chainDirectory.ts";
import type { LeafRow } from "./findLeaves.ts";

/** HashAnchor's public status words; protocol §4 says which steps of a hash's life each covers. */
export type Status = "pending" | "batched" | "anchored";

/** How firm the anchor's block is, by the chain's own tags. */
export type Finality = "included" | "safe" | "finalized";

/** A leaf with its anchor, all columns set. */
export type AnchoredLeaf = { [Column in keyof LeafRow]: NonNullable<LeafRow[Column]> };

export type LeafStatus =
  | { status: "pending" }
  | { status: "batched"; failed?: CrossCheckFailure }
  | { status: "anchored"; leaf: AnchoredLeaf; finality: Finality };

/**
 * What may be said of a leaf. *Anchored* comes only from the comparison of batch and indexed event, and of the contract when
 * its facts are given (protocol §5); a disagreement is `batched` with what failed.
 */
export function statusOf(leaf: LeafRow, chain: Chain, contract?: ContractFacts): LeafStatus {
  if (leaf.batch_id === null) return { status: "pending" };
  if (leaf.state !== "anchored") return { status: "batched" };
  const anchored = leaf as AnchoredLeaf;
  const check = compare(anchored, contract);
  return check.ok
    ? { status: "anchored", leaf: anchored, finality: finalityOf(anchored.block_number, chain) }
    : { status: "batched", failed: check.failed };
}

function compare(leaf: AnchoredLeaf, contract?: ContractFacts): CrossCheck {
  const { publisher, root } = leaf;
  const isIndexed = (leaf as LeafRow).indexed_block_hash !== null;
  return crossCheck({
    batch: { publisher, root, leafCount: leaf.leaf_count, blockHash: leaf.block_hash },
    indexed: isIndexed
      ? {
          publisher,
          root,
          leafCount: leaf.indexed_leaf_count,
          blockHash: leaf.indexed_block_hash,
          blockNumber: BigInt(leaf.indexed_block_number),
          blockTimestamp: BigInt(leaf.indexed_block_timestamp),
        }
      : null,
    // The confirmations had passed when the batch became anchored, and an index that holds the event has read its block.
    asOfBlock: BigInt(leaf.indexed_block_number ?? leaf.block_number),
    confirmationsRequired: 1,
    ...(contract ? { contract } : {}),
  });
}

function finalityOf(blockNumber: number, { safeBlock, finalizedBlock }: Chain): Finality {
  if (finalizedBlock !== null && blockNumber <= finalizedBlock) return "finalized";
  return safeBlock !== null && blockNumber <= safeBlock ? "safe" : "included";
}

export function toHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}
