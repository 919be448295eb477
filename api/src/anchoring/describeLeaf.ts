import type { Hex } from "#protocol/bytes.ts";
import type { ContractFacts, CrossCheckFailure } from "#protocol/crossCheck.ts";
import type { AnchorReceipt, ReceiptProofStep } from "#protocol/receipt.ts";
import type { Chain, ChainDirectory } from "../chain/chainDirectory.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { UnavailableError } from "../errors.ts";
import type { LeafRow } from "./findLeaves.ts";
import { type AnchoredLeaf, type Finality, type Status, statusOf, toHex } from "./leafStatus.ts";
import type { PathWanted } from "./readPaths.ts";
import { toReceipt } from "./receipts.ts";

/** HashAnchor's anchor object of verify and status answers. `blockTimestamp`: seconds since 1970. */
export type AnchorAnswer = {
  txHash: Hex;
  blockNumber: number;
  blockTimestamp: number;
  chainId: number;
  contractAddress: Hex;
  onChainTimestamp: number;
};

/** Everything that may be said of one leaf. */
export type LeafDescription = {
  status: Status;
  /** What disagreed, when the batch is anchored by our own record alone. */
  failed: CrossCheckFailure | null;
  finality: Finality | null;
  /** Block up to which the index has read the leaf's chain; null before it has read any. */
  asOfBlock: number | null;
  anchor: AnchorAnswer | null;
  receipt: AnchorReceipt | null;
};

export type DescribeLeafDeps = {
  chains: ChainDirectory;
  indexedUpTo: () => Promise<Map<number, number>>;
  readPath: (wanted: PathWanted) => Promise<ReceiptProofStep[] | null>;
  readerOf: (chain: Chain) => ChainReader;
  publicUrl: string;
  /** Hears of every disagreement between batch, index and contract. */
  onDisagreement: (leaf: LeafRow, failed: CrossCheckFailure) => void;
};

/**
 * Says of a leaf what batch, index and, with `askChain`, the contract agree on.
 * @throws {UnavailableError} when the chain is to be asked and does not answer, or is not known yet.
 */
export function createLeafDescriber(deps: DescribeLeafDeps) {
  return async (leaf: LeafRow, askChain: boolean): Promise<LeafDescription> => {
    const [chain, upTo] = await Promise.all([deps.chains.find(leaf.chain_id), deps.indexedUpTo()]);
    if (chain === null) throw new UnavailableError("The chain of this hash is not known here; try again");
    const asOfBlock = upTo.get(chain.chainId) ?? null;
    const contract =
      askChain && leaf.state === "anchored"
        ? await askContract(deps.readerOf(chain), leaf as AnchoredLeaf)
        : undefined;
    const said = statusOf(leaf, chain, contract);
    if (said.status !== "anchored") {
      const failed = said.status === "batched" ? (said.failed ?? null) : null;
      if (failed !== null) deps.onDisagreement(leaf, failed);
      return { status: said.status, failed, finality: null, asOfBlock, anchor: null, receipt: null };
    }
    const proof =
      leaf.leaf_tile &&
      (await deps.readPath({
        batchId: said.leaf.batch_id,
        root: said.leaf.root,
        leafCount: said.leaf.leaf_count,
        leafIndex: said.leaf.leaf_index,
        leafTile: leaf.leaf_tile,
      }));
    // Taken back and sealed with a filler between the two reads: then this anchor stands no more.
    if (proof === null)
      return { status: "batched", failed: null, finality: null, asOfBlock, anchor: null, receipt: null };
    return {
      status: "anchored",
      failed: null,
      finality: said.finality,
      asOfBlock,
      anchor: toAnchorAnswer(said.leaf, chain),
      receipt: toReceipt(said.leaf, chain, proof, deps.publicUrl),
    };
  };
}

function toAnchorAnswer(leaf: AnchoredLeaf, chain: Chain): AnchorAnswer {
  return {
    txHash: leaf.tx_hash,
    blockNumber: leaf.block_number,
    blockTimestamp: leaf.block_timestamp,
    chainId: chain.chainId,
    contractAddress: toHex(chain.contractAddress),
    onChainTimestamp: leaf.indexed_block_timestamp,
  };
}

async function askContract(reader: ChainReader, leaf: AnchoredLeaf): Promise<ContractFacts> {
  try {
    const [anchor, blockHash] = await Promise.all([
      reader.anchorOf(leaf.publisher, leaf.root),
      reader.blockHash(leaf.block_number),
    ]);
    return { anchor, blockHash };
  } catch (cause) {
    throw new UnavailableError("The chain is not reachable; try again, or leave check=rpc out", cause);
  }
}
