import type { AnchorReceipt, ReceiptProofStep } from "#protocol/receipt.ts";
import type { Chain } from "../chain/chainDirectory.ts";
import { type AnchoredLeaf, toHex } from "./leafStatus.ts";

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
  | "signature"
  | "kid"
  | "public_key"
>;

/** Puts a receipt together from what was compared and signed; members and order as in protocol §6. */
export function toReceipt(
  leaf: ReceiptLeaf,
  chain: Pick<Chain, "chainId" | "contractAddress">,
  proof: ReceiptProofStep[],
  publicUrl: string,
): AnchorReceipt {
  return {
    "@context": `${publicUrl}/receipt/v1`,
    hash: leaf.content_hash,
    merkleRoot: leaf.root,
    proof,
    anchor: {
      chainId: chain.chainId,
      contractAddress: toHex(chain.contractAddress),
      txHash: leaf.tx_hash,
      blockNumber: leaf.block_number,
      blockTimestamp: leaf.block_timestamp,
      publisher: leaf.publisher,
      blockHash: leaf.block_hash,
      logIndex: leaf.log_index,
      leafCount: leaf.leaf_count,
      leafIndex: leaf.leaf_index,
    },
    signature: leaf.signature.toString("base64"),
    publicKey: leaf.public_key.toString("base64"),
    kid: leaf.kid,
  };
}
