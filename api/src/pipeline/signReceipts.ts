import { type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import type { Hex } from "#protocol/bytes.ts";
import { proofNodeOffsets } from "#protocol/merkleTree.ts";
import { type ReceiptAnchor, signedBytes } from "#protocol/receipt.ts";

const signInThreadPool = promisify(sign);

const NODE_BYTES = 32;
export const SIGNATURE_BYTES = 64;
/** Signatures under way at once: enough to keep the thread pool busy. */
const PARALLEL = 64;

export type BatchToSign = {
  leafCount: number;
  /** The whole tree, as protocol/merkleTree.ts lays it out. */
  nodes: Uint8Array;
  /** The compared facts; `leafIndex` is filled in per leaf. */
  anchor: Omit<ReceiptAnchor, "leafIndex">;
};

/**
 * Signs the receipt of every leaf (protocol §6): 64 bytes each, in leaf order. Ed25519 is deterministic, so signing again
 * after a stop gives the same bytes.
 */
export async function signReceipts(batch: BatchToSign, signingKey: KeyObject): Promise<Buffer> {
  const bytesOf = receiptBytes(batch);
  const signatures = Buffer.allocUnsafe(batch.leafCount * SIGNATURE_BYTES);
  for (let start = 0; start < batch.leafCount; start += PARALLEL) {
    const end = Math.min(start + PARALLEL, batch.leafCount);
    const leafIndexes = Array.from({ length: end - start }, (_, i) => start + i);
    await Promise.all(
      leafIndexes.map(async (leafIndex) => {
        const signature = await signInThreadPool(null, bytesOf(leafIndex), signingKey);
        signatures.set(signature, leafIndex * SIGNATURE_BYTES);
      }),
    );
  }
  return signatures;
}

/** The bytes under the signature of each leaf's receipt, by leaf index. */
export function receiptBytes({ leafCount, nodes, anchor }: BatchToSign): (leafIndex: number) => Uint8Array {
  const hexOf = hexReader(nodes);
  return (leafIndex) =>
    signedBytes({
      hash: hexOf(leafIndex),
      merkleRoot: hexOf(nodes.length / NODE_BYTES - 1),
      proof: proofNodeOffsets(leafCount, leafIndex).map(({ position, offset }) => ({
        position,
        data: hexOf(offset),
      })),
      anchor: { ...anchor, leafIndex },
    });
}

/** All nodes as hex once, because each stands in many proofs. */
function hexReader(nodes: Uint8Array): (offset: number) => Hex {
  const hex = Buffer.from(nodes.buffer, nodes.byteOffset, nodes.byteLength).toString("hex");
  return (offset) => `0x${hex.slice(offset * 2 * NODE_BYTES, (offset + 1) * 2 * NODE_BYTES)}`;
}
