import type { Hex } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { type Block, type BlockPlace, readBlock } from "./chainReader.ts";
import { type AnchoredEvent, readBlockEvents, readTxEvents, type TxEvents } from "./eventReader.ts";
import { readTags, type TaggedBlocks } from "./finality.ts";
import {
  type AnchorKey,
  type CodeAtAddress,
  readAnchor,
  readCode,
  readHead,
  type StoredAnchor,
} from "./registryReader.ts";
import type { Rpc } from "./rpc.ts";
import { RpcContradictoryError, RpcUnusableError } from "./rpcError.ts";
import { type StateReader, stateReader } from "./stateReader.ts";
import { untilThere } from "./untilThere.ts";

/** What a node answers, or why that is not known. */
export type Fact<T> = T | RpcUnusableError;

/** All that a node says of a receipt. Nothing here is judged. */
export type ChainFacts = {
  head: Block;
  tags: Fact<TaggedBlocks>;
  /**
   * No block up to this one will be reorganised away: the finalized one, or a deep one where none
   * is named. Null when not known.
   */
  settled: Block | null;
  /** The canonical block with the receipt's number. */
  block: Fact<Block | null>;
  /** As of `head`, like `stored`. */
  code: Fact<CodeAtAddress>;
  stored: Fact<StoredAnchor | null>;
  /** The publisher's, in the receipt's block, by the block's logs. */
  events: Fact<AnchoredEvent[]>;
  /** The publisher's, by the receipt's transaction. */
  txEvents: Fact<TxEvents | null>;
  /**
   * The publisher's head before and after the receipt's block; null where the node keeps no such
   * state.
   */
  heads: { before: Hex | null; after: Hex | null };
};

/**
 * A block that deep is taken for final where a chain names none: as deep as EVM code can look back.
 */
const DEPTH_OF_SETTLED = 256n;

/**
 * @throws {RpcUnusableError} when the node does not even tell its latest block, or its chain
 * changes while it is asked.
 */
export async function readChainFacts(receipt: AnchorReceipt, rpc: Rpc): Promise<ChainFacts> {
  const key = keyOf(receipt);
  const place = placeOf(receipt);
  const tags = await factOf(readTags(rpc));
  const head = await readLatest(rpc, tags);
  const state = stateReader(rpc);
  const code = await factOf(untilThere(() => readCode(state, key, head)));
  const [block, stored, events, txEvents] = await Promise.all([
    factOf(readPlace(rpc, place, head)),
    factOf(untilThere(() => readAnchor(state, key, head))),
    factOf(readBlockEvents(rpc, key, place.hash)),
    factOf(readTxEvents(rpc, key, txHashOf(receipt))),
  ]);
  const [heads, settled] = await Promise.all([
    readHeads(state, { key, block, place, events }),
    readSettled(rpc, tags, head),
  ]);
  await confirm(rpc, [...state.byNumber, ...decidingBlocks(tags, place, block)]);
  return { head, tags, settled, block, code, stored, events, txEvents, heads };
}

export function keyOf({ merkleRoot, anchor }: AnchorReceipt): AnchorKey {
  return {
    contract: anchor.contractAddress.toLowerCase() as Hex,
    publisher: anchor.publisher.toLowerCase() as Hex,
    root: merkleRoot.toLowerCase() as Hex,
  };
}

/** Where the receipt says that the anchor is. */
export function placeOf({ anchor }: AnchorReceipt): BlockPlace {
  return { number: BigInt(anchor.blockNumber), hash: anchor.blockHash.toLowerCase() as Hex };
}

export function txHashOf({ anchor }: AnchorReceipt): Hex {
  return anchor.txHash.toLowerCase() as Hex;
}

/** Undefined when it is not known. */
export function known<T>(fact: Fact<T>): T | undefined {
  return fact instanceof RpcUnusableError ? undefined : fact;
}

/** A node that fails in whatever way leaves a fact unknown. */
export async function factOf<T>(answer: Promise<T>): Promise<Fact<T>> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RpcUnusableError) return error;
    throw error;
  }
}

/**
 * Behind one URL may stand nodes that lag: the latest block is not older than one that is final
 * already.
 */
async function readLatest(rpc: Rpc, tags: Fact<TaggedBlocks>): Promise<Block> {
  const { safe, finalized } = known(tags) ?? { safe: null, finalized: null };
  const atLeast = [safe, finalized].map((tagged) => tagged?.number ?? 0n);
  const latest = await untilThere(
    () => readBlock(rpc, "latest"),
    (block) => block !== null && atLeast.every((number) => block.number >= number),
  );
  if (latest === null) throw new RpcUnusableError("the node has no latest block");
  return latest;
}

async function readPlace(rpc: Rpc, { number }: BlockPlace, head: Block): Promise<Block | null> {
  return number > head.number ? readBlock(rpc, number) : readPresent(rpc, number);
}

/** A block that the node should have. */
function readPresent(rpc: Rpc, number: bigint): Promise<Block | null> {
  return untilThere(
    () => readBlock(rpc, number),
    (block) => block !== null,
  );
}

type HeadsInput = {
  key: AnchorKey;
  place: BlockPlace;
  block: Fact<Block | null>;
  events: Fact<AnchoredEvent[]>;
};

/** Old state is kept by few nodes, so that none is asked twice. */
async function readHeads(state: StateReader, input: HeadsInput): Promise<ChainFacts["heads"]> {
  const block = known(input.block) ?? null;
  const hasEvents = (known(input.events) ?? []).length > 0;
  if (block === null || block.hash !== input.place.hash || block.number === 0n || !hasEvents)
    return { before: null, after: null };
  const parent = { number: block.number - 1n, hash: block.parentHash };
  const [before, after] = await Promise.all([
    factOf(readHead(state, input.key, parent)),
    factOf(readHead(state, input.key, block)),
  ]);
  return { before: known(before) ?? null, after: known(after) ?? null };
}

async function readSettled(rpc: Rpc, tags: Fact<TaggedBlocks>, head: Block): Promise<Block | null> {
  const named = known(tags);
  if (named === undefined || named.finalized !== null) return named?.finalized ?? null;
  if (head.number < DEPTH_OF_SETTLED) return null;
  return known(await factOf(readBlock(rpc, head.number - DEPTH_OF_SETTLED))) ?? null;
}

/**
 * The tag on which the finality of the receipt's block rests; where none reaches it, that block
 * itself, which may be reorganised.
 */
function decidingBlocks(
  tags: Fact<TaggedBlocks>,
  place: BlockPlace,
  block: ChainFacts["block"],
): BlockPlace[] {
  const { safe, finalized } = known(tags) ?? { safe: null, finalized: null };
  const tag = [finalized, safe].find((tagged) => tagged !== null && tagged.number >= place.number);
  if (tag) return [tag];
  return known(block)?.hash === place.hash ? [place] : [];
}

/** After all the rest was asked, the numbers of these blocks still stand for them. */
async function confirm(rpc: Rpc, places: readonly BlockPlace[]): Promise<void> {
  const hashes = new Map(places.map(({ number, hash }) => [number, hash]));
  const confirmOne = async (number: bigint, hash: Hex) => {
    const block = await readPresent(rpc, number);
    if (block?.hash !== hash)
      throw new RpcContradictoryError(`block ${number} is no longer the one that was asked about`);
  };
  await Promise.all([...hashes].map(([number, hash]) => confirmOne(number, hash)));
}
