import type { Hex } from "#protocol/bytes.ts";
import type { ChainReader } from "./chainReader.ts";
import { findContractBlock } from "./contractBlock.ts";

/** Longest search for the contract's block; milliseconds. */
const SEARCH_MS_MAX = 15_000;
/** Deeper than a reorganisation that could bring the publisher's first anchors into blocks before the present one. */
const MARGIN_BLOCKS = 1_024;

/**
 * The block from which an index of the contract holds everything: that of its deployment. Where the node has dropped the state of
 * that time, a publisher without anchors needs nothing before now.
 * @returns null when nobody can tell; everything is in an index from block 0, which only takes longer.
 */
export async function findStartBlock(
  reader: ChainReader,
  { contractAddress, publisher }: { contractAddress: Hex; publisher: Hex },
): Promise<number | null> {
  const contract = { client: reader.client, address: contractAddress };
  const deployedAt = await findContractBlock(contract, AbortSignal.timeout(SEARCH_MS_MAX));
  if (deployedAt !== null) return Number(deployedAt);
  const latest = Number(await reader.client.getBlockNumber({ cacheTime: 0 }));
  return (await reader.headOf(publisher)) === null ? Math.max(0, latest - MARGIN_BLOCKS) : null;
}
