import { nextHead } from "#protocol/anchorHead.ts";
import type { Hex } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { type ChainFacts, keyOf, known, placeOf } from "./chainFacts.ts";
import type { Block, BlockPlace } from "./chainReader.ts";
import type { AnchoredEvent } from "./eventReader.ts";
import { RpcContradictoryError } from "./rpcError.ts";

/** In which point a node's answers cannot all be true, whatever is true; null when they can. */
export function contradictionIn(receipt: AnchorReceipt, facts: ChainFacts): string | null {
  for (const rule of RULES) {
    const contradiction = rule(receipt, facts);
    if (contradiction !== null) return contradiction;
  }
  return null;
}

/**
 * The anchor's event in the receipt's block: by the block's logs, or else by the receipt's
 * transaction.
 */
export function eventShown(receipt: AnchorReceipt, facts: ChainFacts): AnchoredEvent | undefined {
  const { root } = keyOf(receipt);
  const events = [...(known(facts.events) ?? []), ...eventsOfTx(receipt, facts)];
  return events.find((event) => event.root === root);
}

/** The canonical block with the receipt's number, when it is the receipt's block. */
export function blockOfReceipt(receipt: AnchorReceipt, facts: ChainFacts): Block | null {
  const block = known(facts.block) ?? null;
  return block?.hash === placeOf(receipt).hash ? block : null;
}

type Rule = (receipt: AnchorReceipt, facts: ChainFacts) => string | null;

const RULES: readonly Rule[] = [
  answersThemselves,
  blocksOfOneChain,
  orderOfTags,
  codeAndState,
  stateAndHead,
  blockAndEvents,
  stateAndEvent,
  onceAnchored,
  logsAndTransaction,
  chainOfHeads,
];

function answersThemselves(receipt: AnchorReceipt, facts: ChainFacts) {
  const { tags, block, code, stored, events, txEvents } = facts;
  // A block that was reorganised away may well have events that were removed.
  const all = [tags, block, code, stored, txEvents, blockOfReceipt(receipt, facts) && events];
  const contradictory = all.find((fact) => fact instanceof RpcContradictoryError);
  return contradictory instanceof RpcContradictoryError ? contradictory.message : null;
}

/** On one chain a number has one block, and time does not run back. */
function blocksOfOneChain(_: AnchorReceipt, facts: ChainFacts) {
  const { safe = null, finalized = null } = known(facts.tags) ?? {};
  const named = [facts.head, safe, finalized, facts.settled, known(facts.block) ?? null];
  const blocks = named.filter((block) => block !== null);
  const tx = known(facts.txEvents);
  const areOne = blocks.every(
    (block) =>
      blocks.every((other) => areOfOneChain(block, other)) && (!tx || isSameOrOther(block, tx.block)),
  );
  return areOne ? null : "its blocks are not of one chain";
}

function areOfOneChain(one: Block, other: Block): boolean {
  if (one.number === other.number) return one.hash === other.hash && one.timestamp === other.timestamp;
  return isSameOrOther(one, other) && (one.number < other.number ? one.timestamp <= other.timestamp : true);
}

function orderOfTags(_: AnchorReceipt, { head, tags, block }: ChainFacts) {
  const { safe = null, finalized = null } = known(tags) ?? {};
  const numbers = [finalized, safe, head].filter((tagged) => tagged !== null).map(({ number }) => number);
  if (numbers.some((number, place) => number < (numbers[place - 1] ?? 0n)))
    return "the finalized block is above the safe or the latest one";
  return (known(block)?.number ?? 0n) > head.number ? "a block is above the latest one" : null;
}

function codeAndState(_: AnchorReceipt, { code, stored }: ChainFacts) {
  const anchor = known(stored);
  if (code === "none" && anchor) return "an address without code answers as a registry";
  return code === "known" && anchor === null ? "the registry does not answer as its code demands" : null;
}

function stateAndHead(_: AnchorReceipt, { stored, head }: ChainFacts) {
  const anchor = known(stored);
  if (!anchor) return null;
  if (anchor.blockTimestamp > head.timestamp) return "an anchor is younger than the latest block";
  return (anchor.leafCount === 0n) === (anchor.blockTimestamp === 0n) ? null : "half of an anchor is stored";
}

function blockAndEvents(receipt: AnchorReceipt, facts: ChainFacts) {
  const block = blockOfReceipt(receipt, facts);
  const events = known(facts.events) ?? [];
  if (block === null) return null;
  if (events.some(({ blockNumber }) => blockNumber !== block.number))
    return "a block has the event of another one";
  const isListed = ({ txHash }: AnchoredEvent) => block.transactions?.includes(txHash) ?? true;
  return events.every(isListed) ? null : "a block has an event of a transaction that it does not hold";
}

function stateAndEvent(receipt: AnchorReceipt, facts: ChainFacts) {
  const event = eventShown(receipt, facts);
  const block = blockOfReceipt(receipt, facts);
  const stored = known(facts.stored);
  if (event === undefined || block === null) return null;
  if (facts.code === "none") return "an address without code has an event";
  if (stored === undefined) return null;
  const isSame = stored?.leafCount === event.leafCount && stored.blockTimestamp === block.timestamp;
  return isSame ? null : "the anchor's event and the contract's state differ";
}

/** The registry emits an anchor once and for all. */
function onceAnchored(_: AnchorReceipt, { events }: ChainFacts) {
  const roots = (known(events) ?? []).map(({ root }) => root);
  return new Set(roots).size === roots.length ? null : "an anchor has two events";
}

function logsAndTransaction(receipt: AnchorReceipt, facts: ChainFacts) {
  const { root } = keyOf(receipt);
  const byLogs = (known(facts.events) ?? []).find((event) => event.root === root);
  const byTx = eventsOfTx(receipt, facts).find((event) => event.root === root);
  if (byLogs === undefined || byTx === undefined) return null;
  const isSame =
    byLogs.txHash === byTx.txHash && byLogs.logIndex === byTx.logIndex && byLogs.head === byTx.head;
  return isSame ? null : "the block's logs and the transaction's differ";
}

/**
 * Each event's head follows from the one before it; what another contract makes of its heads is its
 * own affair.
 */
function chainOfHeads(receipt: AnchorReceipt, facts: ChainFacts) {
  const block = blockOfReceipt(receipt, facts);
  if (facts.code === "other" || block === null) return null;
  const events = known(facts.events) ?? [];
  const { before, after } = facts.heads;
  const last = events.at(-1);
  const areBroken =
    !follow(events, before, block) ||
    !follow(eventsOfTx(receipt, facts), null, block) ||
    (last !== undefined && after !== null && after !== last.head);
  return areBroken ? "the publisher's heads do not follow from one another" : null;
}

function follow(events: readonly AnchoredEvent[], before: Hex | null, { timestamp }: Block): boolean {
  return events.every((event, place) => {
    const previous = place === 0 ? before : events[place - 1]!.head;
    if (previous === null) return true;
    const { root, leafCount, head } = event;
    return nextHead(previous, { root, leafCount, blockTimestamp: timestamp }) === head;
  });
}

/** None when the transaction is in another block. */
function eventsOfTx(receipt: AnchorReceipt, facts: ChainFacts): AnchoredEvent[] {
  const tx = known(facts.txEvents);
  return tx && tx.block.hash === placeOf(receipt).hash ? tx.events : [];
}

/** Two places are one by number and hash, or neither. */
function isSameOrOther(one: BlockPlace, other: BlockPlace): boolean {
  return (one.number === other.number) === (one.hash === other.hash);
}
