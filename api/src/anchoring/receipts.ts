import type { AnchorReceipt, ReceiptProofStep } from "#protocol/receipt.ts";
import type { Chain } from "../chain/chainDirectory.ts";
import { type AnchoredLeaf, toHex } from "./leafStatus.ts";

/** Puts a receipt together from what was compared and signed; members and order as in protocol §6. */
export function toReceipt(
  leaf: AnchoredLeaf,
  chain: Chain,
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
