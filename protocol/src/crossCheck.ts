import type { Hex } from "./bytes.ts";

/**
 * What our batch says of itself. `blockHash` is the block that the pipeline saw it in, null before it has seen one; then it
 * is not compared.
 */
export type BatchFacts = { publisher: Hex; root: Hex; leafCount: number; blockHash: Hex | null };

/** The anchor as the index mirrors it from the chain's event. `blockTimestamp`: seconds since 1970. */
export type IndexedFacts = {
  publisher: Hex;
  root: Hex;
  leafCount: number;
  blockHash: Hex;
  blockNumber: bigint;
  blockTimestamp: bigint;
};

/**
 * What the chain itself answers over RPC: `anchorOf(publisher, root)`, null when the contract holds no such anchor, and the
 * hash of the canonical block at the indexed anchor's number, null when the chain has no such block.
 */
export type ContractFacts = {
  anchor: { blockNumber: bigint; blockTimestamp: bigint; leafCount: number } | null;
  blockHash: Hex | null;
};

export type CrossCheckInput = {
  batch: BatchFacts;
  /** Null when the index holds no anchor of this publisher and root. */
  indexed: IndexedFacts | null;
  /** Block up to which the index has read the chain. */
  asOfBlock: bigint;
  /** 1 means that the anchor's own block is enough, as in viem. */
  confirmationsRequired: number;
  /** Left out unless the caller asked the chain itself. */
  contract?: ContractFacts;
};

/** Every way in which the three can disagree, in the order in which they are looked for. */
export type CrossCheckFailure =
  | "notIndexed"
  | "publisher"
  | "root"
  | "leafCount"
  | "blockHash"
  | "contractNotAnchored"
  | "contractLeafCount"
  | "contractBlock"
  | "notConfirmed";

/** `asOfBlock` stands in both, because an index that lags tells the last known state. */
export type CrossCheck =
  | { ok: true; asOfBlock: bigint }
  | { ok: false; failed: CrossCheckFailure; asOfBlock: bigint };

/**
 * Whether batch = indexed event = (when given) contract, and the anchor is deep enough in the chain.
 * Only an `ok` may become "anchored" anywhere. Hex is compared in any case.
 */
export function crossCheck(input: CrossCheckInput): CrossCheck {
  const { asOfBlock } = input;
  const failed = failureOf(input);
  return failed === null ? { ok: true, asOfBlock } : { ok: false, failed, asOfBlock };
}

function failureOf(input: CrossCheckInput): CrossCheckFailure | null {
  const { batch, indexed, contract, asOfBlock, confirmationsRequired } = input;
  if (indexed === null) return "notIndexed";
  const disagreement = indexFailure(batch, indexed) ?? (contract ? contractFailure(indexed, contract) : null);
  if (disagreement !== null) return disagreement;
  const confirmations = asOfBlock - indexed.blockNumber + 1n;
  return confirmations >= BigInt(confirmationsRequired) && confirmations >= 1n ? null : "notConfirmed";
}

function indexFailure(batch: BatchFacts, indexed: IndexedFacts): CrossCheckFailure | null {
  if (!isSameHex(batch.publisher, indexed.publisher)) return "publisher";
  if (!isSameHex(batch.root, indexed.root)) return "root";
  if (batch.leafCount !== indexed.leafCount) return "leafCount";
  if (batch.blockHash !== null && !isSameHex(batch.blockHash, indexed.blockHash)) return "blockHash";
  return null;
}

function contractFailure(
  indexed: IndexedFacts,
  { anchor, blockHash }: ContractFacts,
): CrossCheckFailure | null {
  if (anchor === null) return "contractNotAnchored";
  if (anchor.leafCount !== indexed.leafCount) return "contractLeafCount";
  // anchor.blockNumber is the contract's block.number, which on Arbitrum is another chain's; time and block hash decide.
  const isSameBlock =
    anchor.blockTimestamp === indexed.blockTimestamp &&
    blockHash !== null &&
    isSameHex(blockHash, indexed.blockHash);
  return isSameBlock ? null : "contractBlock";
}

function isSameHex(a: Hex, b: Hex): boolean {
  return a === b || a.toLowerCase() === b.toLowerCase();
}
