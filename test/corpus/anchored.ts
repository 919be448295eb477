import { createPublicClient, http, parseEventLogs } from "viem";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import { bytesToHex, type Hex } from "#protocol/bytes.ts";
import { pathOf } from "#protocol/merkleTree.ts";
import type { AnchorReceipt, ReceiptAnchor } from "#protocol/receipt.ts";
import { type ReceiptSigner, signReceipt } from "#test/support/issuedReceipts.ts";
import { BATCHES, type Batch } from "./batches.ts";
import { CHAIN_ID, CONTRACTS, PUBLISHERS } from "./journal.ts";
import { FORGER, SERVICE } from "./keys.ts";
import type { TestRecord } from "./records.ts";

/** What stands on the replayed chain, in receipts. */
export type Anchored = {
  /** Of a batch's leaf; signed by the service unless told otherwise. */
  receipt(batch: string, place?: number, signer?: ReceiptSigner): AnchorReceipt;
  /** Of a consent record. */
  receiptOf(record: TestRecord): AnchorReceipt;
  /** The block after the last anchors, of the same second. */
  twinBlock: { blockNumber: number; blockHash: Hex };
};

type Anchor = { batch: Batch; facts: Omit<ReceiptAnchor, "leafIndex"> };

export async function readAnchored(rpcUrl: string, txHashOf: ReadonlyMap<string, Hex>): Promise<Anchored> {
  const client = createPublicClient({ transport: http(rpcUrl) });
  const anchors = new Map<string, Anchor>();
  for (const { by, contract, batches } of BATCHES.flat()) {
    const txHash = txHashOf.get(batches[0]!.name)!;
    const txReceipt = await client.getTransactionReceipt({ hash: txHash });
    const block = await client.getBlock({ blockHash: txReceipt.blockHash });
    const events = parseEventLogs({ abi: anchorRegistryAbi, eventName: "Anchored", logs: txReceipt.logs });
    for (const [place, batch] of batches.entries()) {
      const facts = {
        chainId: CHAIN_ID,
        contractAddress: CONTRACTS[contract],
        txHash,
        blockNumber: Number(block.number),
        blockTimestamp: Number(block.timestamp),
        publisher: PUBLISHERS[by].address.toLowerCase() as Hex,
        blockHash: block.hash,
        logIndex: events[place]!.logIndex,
        leafCount: batch.tree.leafCount,
      };
      anchors.set(batch.name, { batch, facts });
    }
  }
  const receipt: Anchored["receipt"] = (name, place = 0, signer = SERVICE) =>
    receiptFrom(anchors.get(name)!, place, signer);
  const lastAnchors = receipt("last").anchor;
  const twin = await client.getBlock({ blockNumber: BigInt(lastAnchors.blockNumber + 1) });
  return {
    receipt,
    receiptOf: ({ digest }) => receiptOfHash(anchors, `0x${digest}`, receipt),
    twinBlock: { blockNumber: Number(twin.number), blockHash: twin.hash },
  };
}

function receiptFrom({ batch, facts }: Anchor, leafIndex: number, signer: ReceiptSigner): AnchorReceipt {
  return signReceipt(
    {
      "@context": `https://${signer === FORGER ? "forger" : "holdfast"}.example/receipt/v1`,
      hash: batch.hashes[leafIndex]!,
      merkleRoot: bytesToHex(batch.tree.root),
      proof: pathOf(batch.tree, leafIndex).map(({ position, data }) => ({
        position,
        data: bytesToHex(data),
      })),
      anchor: { ...facts, leafIndex },
    },
    signer,
  );
}

function receiptOfHash(
  anchors: ReadonlyMap<string, Anchor>,
  contentHash: Hex,
  receipt: Anchored["receipt"],
): AnchorReceipt {
  for (const [name, { batch }] of anchors) {
    const place = batch.hashes.indexOf(contentHash);
    if (place >= 0) return receipt(name, place);
  }
  throw new Error(`${contentHash} is not anchored`);
}
