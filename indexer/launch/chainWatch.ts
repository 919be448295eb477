import type { ClientBase } from "pg";
import type { ChainReader } from "./chainReader.ts";
import {
  findCheckpointBlock,
  type IndexedChain,
  listIndexedChains,
  recordFinalizedBlock,
} from "./indexSchema.ts";

/** Ponder's finality window on chains it does not know, development chains among them. */
const PONDER_FINALITY_BLOCKS = 30n;

/**
 * Chains that an index can no longer speak for: the block it takes as final is not on the chain any more, or the chain was
 * disproved before. A chain that is lower than that block is judged only if it is disposable: elsewhere an RPC endpoint that
 * lags behind looks the same.
 * @returns their chain ids.
 */
export async function listDisprovedChains(
  client: ClientBase,
  schema: string,
  readers: readonly ChainReader[],
): Promise<number[]> {
  const indexed = await listIndexedChains(client, schema);
  const judged = await Promise.all(
    indexed.map(async (chain) => {
      const reader = readers.find((candidate) => candidate.chain.chainId === chain.chainId);
      return reader && (chain.disproved || (await isDisproved(chain, reader))) ? [chain.chainId] : [];
    }),
  );
  return judged.flat();
}

async function isDisproved(indexed: IndexedChain, reader: ChainReader): Promise<boolean> {
  const hash = await reader.findBlockHash(indexed.blockNumber);
  if (hash !== null) return hash !== indexed.blockHash;
  return reader.chain.disposable;
}

/** Remembers what Ponder takes as final by now, for listDisprovedChains to compare with later. */
export async function recordFinality(
  client: ClientBase,
  schema: string,
  readers: readonly ChainReader[],
): Promise<void> {
  const indexed = await listIndexedChains(client, schema);
  for (const { chainId, blockNumber } of indexed) {
    const reader = readers.find((candidate) => candidate.chain.chainId === chainId);
    const finalized = await findCheckpointBlock(client, schema, chainId, "finalized");
    if (!reader || finalized === null || finalized <= blockNumber) continue;
    const blockHash = await reader.findBlockHash(finalized);
    if (blockHash !== null)
      await recordFinalizedBlock(client, schema, { chainId, blockNumber: finalized, blockHash });
  }
}

/**
 * Whether Ponder would refuse to resume because a disposable chain was shortened: Ponder starts at head - 30, and never goes
 * back behind what it once took as final.
 */
export async function isTooShort(client: ClientBase, schema: string, reader: ChainReader): Promise<boolean> {
  if (!reader.chain.disposable) return false;
  const finalized = await findCheckpointBlock(client, schema, reader.chain.chainId, "finalized");
  return (
    finalized !== null && finalized > 0n && (await reader.headNumber()) - PONDER_FINALITY_BLOCKS < finalized
  );
}
