import type { AnchorReceipt } from "#protocol/receipt.ts";
import { type ChainFacts, known, placeOf, txHashOf } from "./chainFacts.ts";
import { blockOfReceipt, contradictionIn, eventShown } from "./contradiction.ts";
import type { AnchoredEvent } from "./eventReader.ts";
import { finalityOf } from "./finality.ts";
import type { InvalidReason, Warning } from "./reason.ts";
import type { StoredAnchor } from "./registryReader.ts";
import { RpcContradictoryError, RpcUnusableError } from "./rpcError.ts";
import { type Check, type CheckName, type Finality, failed, passed, unchecked } from "./verification.ts";

/** `finality` is null unless the anchor was found in the chain. */
export type ChainJudgement = { checks: Check[]; finality: Finality | null; warnings: Warning[] };

/**
 * The checks that follow from all that a node said. Failed is what it says otherwise; what it does
 * not say is unchecked, and so is everything when it contradicts itself.
 */
export function judgeChain(receipt: AnchorReceipt, facts: ChainFacts): ChainJudgement {
  const contradiction = contradictionIn(receipt, facts);
  if (contradiction !== null) {
    const anchor = unchecked("anchor", "rpcContradictory", contradiction);
    return stopAfter([anchor], ["block", "event", "finality"]);
  }
  const anchor = judgeAnchor(receipt, facts);
  const block = judgeBlock(receipt, facts);
  if (block.outcome !== "passed") return stopAfter([anchor, block], ["event", "finality"]);
  const checks = [anchor, block, judgeEvent(receipt, facts)];
  if (checks.some(({ outcome }) => outcome !== "passed")) return stopAfter(checks, ["finality"]);
  if (facts.tags instanceof RpcUnusableError)
    return stopAfter([...checks, uncheckedBy("finality", facts.tags)], []);
  return { checks: [...checks, passed("finality")], ...finalityOf(facts.tags, placeOf(receipt).number) };
}

/** A check that an answer of the node, or the lack of one, leaves unmade. */
export function uncheckedBy(name: CheckName, error: RpcUnusableError): Check {
  const reason = error instanceof RpcContradictoryError ? "rpcContradictory" : "rpcUnusable";
  return unchecked(name, reason, error.message);
}

export function stopAfter(checks: Check[], notReached: CheckName[]): ChainJudgement {
  const rest = notReached.map((name) => unchecked(name, "notReached"));
  return { checks: [...checks, ...rest], finality: null, warnings: [] };
}

function judgeAnchor(receipt: AnchorReceipt, facts: ChainFacts): Check {
  const { stored, code, events, head } = facts;
  const { contractAddress } = receipt.anchor;
  if (stored instanceof RpcUnusableError) return uncheckedBy("anchor", stored);
  if (isStored(stored)) return compareStored(receipt, facts, stored);
  // Before the receipt's block even the contract may be still to come.
  if (isBehind(receipt, facts)) return unchecked("anchor", "rpcBehind", `at block ${head.number}`);
  // On another chain of blocks the anchor may be missing rightly.
  if (blockOfReceipt(receipt, facts) === null) return unchecked("anchor", "notReached");
  if (code instanceof RpcUnusableError) return uncheckedBy("anchor", code);
  if (events instanceof RpcUnusableError) return uncheckedBy("anchor", events);
  return stored === null
    ? failed("anchor", "contractNotFound", contractAddress, "no registry")
    : failed("anchor", "notAnchored", "anchored", "not anchored");
}

function compareStored(receipt: AnchorReceipt, facts: ChainFacts, stored: StoredAnchor): Check {
  const difference = differenceOf(receipt, stored);
  if (difference === null) return passed("anchor");
  // On another chain of blocks the same anchor may have been made at another time.
  if (blockOfReceipt(receipt, facts) !== null || isSettled(facts, stored)) return difference;
  if (!isBehind(receipt, facts)) return unchecked("anchor", "notReached");
  return unchecked("anchor", "rpcBehind", `at block ${facts.head.number}`);
}

function differenceOf({ anchor }: AnchorReceipt, { leafCount, blockTimestamp }: StoredAnchor): Check | null {
  if (leafCount !== BigInt(anchor.leafCount))
    return failed("anchor", "leafCountMismatch", anchor.leafCount, leafCount);
  if (blockTimestamp !== BigInt(anchor.blockTimestamp))
    return failed("anchor", "blockTimestampMismatch", anchor.blockTimestamp, blockTimestamp);
  return null;
}

function judgeBlock(receipt: AnchorReceipt, facts: ChainFacts): Check {
  const { block, head, settled } = facts;
  const place = placeOf(receipt);
  if (isBehind(receipt, facts)) {
    const stored = known(facts.stored) ?? null;
    // An anchor that the contract holds for good cannot be in a block that is still to come.
    return isStored(stored) && isSettled(facts, stored)
      ? failed("block", "blockNumberMismatch", place.number, `at most ${head.number}`)
      : unchecked("block", "rpcBehind", `at block ${head.number}`);
  }
  if (block instanceof RpcUnusableError) return uncheckedBy("block", block);
  if (block === null)
    return unchecked("block", "rpcUnusable", `the node has no block ${place.number} any more`);
  if (block.hash !== place.hash) {
    return settled !== null && settled.number >= place.number
      ? failed("block", "blockNotCanonical", place.hash, block.hash)
      : unchecked("block", "blockNotFinal", `block ${place.number} is ${block.hash}`);
  }
  const { blockTimestamp } = receipt.anchor;
  if (block.timestamp === BigInt(blockTimestamp)) return passed("block");
  return failed("block", "blockTimestampMismatch", blockTimestamp, block.timestamp);
}

function judgeEvent(receipt: AnchorReceipt, facts: ChainFacts): Check {
  const event = eventShown(receipt, facts);
  if (event !== undefined) return compareEvent(receipt, event);
  const tx = known(facts.txEvents);
  // Then it is in another block, for one in this block would have been shown.
  if (tx?.events.some(({ root }) => root === receipt.merkleRoot.toLowerCase()))
    return failed("event", "eventMissing", receipt.anchor.blockHash, tx.block.hash);
  if (facts.events instanceof RpcUnusableError) return uncheckedBy("event", facts.events);
  return unchecked("event", "eventNotServed");
}

function compareEvent(receipt: AnchorReceipt, event: AnchoredEvent): Check {
  const { logIndex, leafCount } = receipt.anchor;
  const claimed = { txHash: txHashOf(receipt), logIndex: BigInt(logIndex), leafCount: BigInt(leafCount) };
  for (const name of ["txHash", "logIndex", "leafCount"] as const) {
    const reason: InvalidReason = `${name}Mismatch`;
    if (event[name] !== claimed[name]) return failed("event", reason, claimed[name], event[name]);
  }
  return passed("event");
}

function isBehind(receipt: AnchorReceipt, { head }: ChainFacts): boolean {
  return placeOf(receipt).number > head.number;
}

function isStored(stored: StoredAnchor | null): stored is StoredAnchor {
  return stored !== null && stored.leafCount > 0n;
}

/** No reorganisation will take it away. */
function isSettled({ settled, head }: ChainFacts, { blockTimestamp }: StoredAnchor): boolean {
  return settled !== null && (settled.hash === head.hash || blockTimestamp < settled.timestamp);
}
