import type { AnchorReceipt } from "#protocol/receipt.ts";
import type { Chain } from "../chain/chainDirectory.ts";
import { type AnchoredLeaf, toHex } from "./leafStatus.ts";
import type { SignedProof } from "./readProofs.ts";

/** What of a leaf stands in its receipt. */
export type ReceiptLeaf = Pick<
  AnchoredLeaf,
  | "content_hash"
  | "root"
  | "tx_hash"
  | "block_number"
  | "block_timestamp"
  | "publisher"
  | "block_hash"
  | "log_index"
  | "leaf_count"
  | "leaf_index"
>;

/** Puts a receipt together from what was compared and signed; members and order as in protocol §6. */
export function toReceipt(
  leaf: ReceiptLeaf,
  chain: Pick<Chain, "chainId" | "contractAddress">,
  signed: SignedProof,
  publicUrl: string,
): AnchorReceipt {
  return {
    "@context": `${publicUrl}/receipt/v1`,
    hash: toHex(leaf.content_hash),
    merkleRoot: toHex(leaf.root),
    proof: signed.proof,
    anchor: {
      chainId: chain.chainId,
      contractAddress: toHex(chain.contractAddress),
      txHash: toHex(leaf.tx_hash),
      blockNumber: leaf.block_number,
      blockTimestamp: leaf.block_timestamp,
      publisher: toHex(leaf.publisher),
      blockHash: toHex(leaf.block_hash),
      logIndex: leaf.log_index,
      leafCount: leaf.leaf_count,
      leafIndex: leaf.leaf_index,
    },
    signature: signed.signature.toString("base64"),
    publicKey: signed.publicKey.toString("base64"),
    kid: signed.kid,
  };
}
