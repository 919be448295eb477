import type { Hex } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import {
  type AnchorKey,
  type Block,
  readAnchor,
  readAnchoredEvents,
  readBlock,
  readChainId,
  type StoredAnchor,
} from "./chainReader.ts";
import { readFinality } from "./finality.ts";
import type { Warning } from "./reason.ts";
import { type Rpc, RpcUnusableError } from "./rpc.ts";
import { type Check, type CheckName, type Finality, failed, passed, unchecked } from "./verification.ts";

export type ChainFindings = { checks: Check[]; finality: Finality | null; warnings: Warning[] };

/** What only the chain can tell: that the root is anchored as, when and where the receipt says, and how final that is. */
export async function checkChain(receipt: AnchorReceipt, rpc: Rpc): Promise<ChainFindings> {
  const chain = await attempt("chain", () => checkChainId(receipt, rpc));
  if (chain.outcome !== "passed") return stopAfter([chain], ["anchor", "block", "event", "finality"]);

  let head: Block | null = null;
  let stored: StoredAnchor | null = null;
  const anchor = await attempt("anchor", async () => {
    head = await readHead(rpc);
    stored = await readAnchor(rpc, keyOf(receipt), head.number);
    return compareAnchor(receipt, stored, head);
  });
  if (head === null) return stopAfter([chain, anchor], ["block", "event", "finality"]);

  const headNumber = (head as Block).number;
  const block = await attempt("block", () =>
    checkBlock(receipt, rpc, { headNumber, isStored: isStored(stored) }),
  );
  if (block.outcome !== "passed") return stopAfter([chain, anchor, block], ["event", "finality"]);

  const event = await attempt("event", () => checkEvent(receipt, rpc));
  const checks = [chain, anchor, block, event];
  if (checks.some(({ outcome }) => outcome !== "passed")) return stopAfter(checks, ["finality"]);
  return withFinality(receipt, rpc, checks);
}

async function checkChainId({ anchor }: AnchorReceipt, rpc: Rpc): Promise<Check> {
  const chainId = await readChainId(rpc);
  if (chainId === BigInt(anchor.chainId)) return passed("chain");
  return failed("chain", "chainIdMismatch", anchor.chainId, chainId);
}

function compareAnchor({ anchor }: AnchorReceipt, stored: StoredAnchor | null, head: Block): Check {
  // Before the receipt's block even the contract may be still to come.
  if (!isStored(stored) && head.number < BigInt(anchor.blockNumber))
    return unchecked("anchor", "rpcBehind", `at block ${head.number}`);
  if (stored === null) return failed("anchor", "contractNotFound", anchor.contractAddress, "no registry");
  if (!isStored(stored)) return failed("anchor", "notAnchored", "anchored", "not anchored");
  if (stored.leafCount !== anchor.leafCount) {
    return failed("anchor", "leafCountMismatch", anchor.leafCount, stored.leafCount);
  }
  if (stored.blockTimestamp === BigInt(anchor.blockTimestamp)) return passed("anchor");
  return failed("anchor", "blockTimestampMismatch", anchor.blockTimestamp, stored.blockTimestamp);
}

async function checkBlock(
  { anchor }: AnchorReceipt,
  rpc: Rpc,
  { headNumber, isStored }: { headNumber: bigint; isStored: boolean },
): Promise<Check> {
  const number = BigInt(anchor.blockNumber);
  if (number > headNumber) {
    // An anchor that the contract already holds cannot be in a block that is still to come.
    if (isStored) return failed("block", "blockNumberMismatch", number, `at most ${headNumber}`);
    return unchecked("block", "rpcBehind", `at block ${headNumber}`);
  }
  const block = await readBlock(rpc, number);
  if (block === null) throw new RpcUnusableError(`the node has no block ${number} any more`);
  if (block.hash !== anchor.blockHash.toLowerCase()) {
    return failed("block", "blockNotCanonical", anchor.blockHash, block.hash);
  }
  if (block.timestamp === BigInt(anchor.blockTimestamp)) return passed("block");
  return failed("block", "blockTimestampMismatch", anchor.blockTimestamp, block.timestamp);
}

async function checkEvent(receipt: AnchorReceipt, rpc: Rpc): Promise<Check> {
  const { blockHash, txHash, logIndex, leafCount } = receipt.anchor;
  // The registry emits an anchor once and for all, so there is one event or none.
  const [event] = await readAnchoredEvents(rpc, keyOf(receipt), blockHash.toLowerCase() as Hex);
  if (event === undefined) return failed("event", "eventMissing", "an event", "none");
  if (event.txHash !== txHash.toLowerCase()) return failed("event", "txHashMismatch", txHash, event.txHash);
  if (event.logIndex !== BigInt(logIndex))
    return failed("event", "logIndexMismatch", logIndex, event.logIndex);
  if (event.leafCount === leafCount) return passed("event");
  return failed("event", "leafCountMismatch", leafCount, event.leafCount);
}

async function withFinality({ anchor }: AnchorReceipt, rpc: Rpc, checks: Check[]): Promise<ChainFindings> {
  let finality: Finality | null = null;
  let warnings: Warning[] = [];
  const check = await attempt("finality", async () => {
    ({ finality, warnings } = await readFinality(rpc, BigInt(anchor.blockNumber)));
    return passed("finality");
  });
  return { checks: [...checks, check], finality, warnings };
}

async function readHead(rpc: Rpc): Promise<Block> {
  const head = await readBlock(rpc, "latest");
  if (head === null) throw new RpcUnusableError("the node has no latest block");
  return head;
}

/** A node that fails in whatever way leaves a check unmade; it never decides it. */
async function attempt(name: CheckName, check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof RpcUnusableError) return unchecked(name, "rpcUnusable", error.message);
    throw error;
  }
}

function stopAfter(checks: Check[], notReached: CheckName[]): ChainFindings {
  return {
    checks: [...checks, ...notReached.map((name) => unchecked(name, "notReached"))],
    finality: null,
    warnings: [],
  };
}

function isStored(stored: StoredAnchor | null): boolean {
  return stored !== null && stored.leafCount > 0;
}

function keyOf({ merkleRoot, anchor }: AnchorReceipt): AnchorKey {
  return {
    contract: anchor.contractAddress.toLowerCase() as Hex,
    publisher: anchor.publisher.toLowerCase() as Hex,
    root: merkleRoot.toLowerCase() as Hex,
  };
}
