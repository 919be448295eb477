import type { ChainReader } from "./chainReader.ts";
import {
  findCheckpointBlock,
  findIndexedChain,
  type IndexedChain,
  type Queryable,
  recordFinalizedBlock,
} from "./indexSchema.ts";

/** Ponder's finality window on chains it does not know, development chains among them. */
const PONDER_FINALITY_BLOCKS = 30n;

/**
 * Whether an index can no longer speak for its chain: the block it takes as final is not on the chain any more, or it was
 * disproved before. A chain that is lower than that block is judged only if it is disposable: elsewhere an RPC endpoint that
 * lags behind looks the same.
 */
export async function isDisproved(
  database: Queryable,
  schema: string,
  reader: ChainReader,
): Promise<boolean> {
  const indexed = await findIndexedChain(database, schema);
  return indexed !== null && (indexed.disproved || (await isContradicted(indexed, reader)));
}

async function isContradicted(indexed: IndexedChain, reader: ChainReader): Promise<boolean> {
  const hash = await reader.findBlockHash(indexed.blockNumber);
  if (hash !== null) return hash !== indexed.blockHash;
  return reader.chain.disposable;
}

/** Remembers what Ponder takes as final by now, for isDisproved to compare with later. */
export async function recordFinality(
  database: Queryable,
  schema: string,
  reader: ChainReader,
): Promise<void> {
  const indexed = await findIndexedChain(database, schema);
  const finalized = await findCheckpointBlock(database, schema, "finalized");
  if (indexed === null || finalized === null || finalized <= indexed.blockNumber) return;
  const blockHash = await reader.findBlockHash(finalized);
  if (blockHash !== null) await recordFinalizedBlock(database, schema, { blockNumber: finalized, blockHash });
}

/**
 * Whether Ponder would refuse to resume because a disposable chain was shortened: Ponder starts at head - 30, and never goes
 * back behind what it once took as final.
 */
export async function isTooShort(database: Queryable, schema: string, reader: ChainReader): Promise<boolean> {
  if (!reader.chain.disposable) return false;
  const finalized = await findCheckpointBlock(database, schema, "finalized");
  return (
    finalized !== null && finalized > 0n && (await reader.headNumber()) - PONDER_FINALITY_BLOCKS < finalized
  );
}
