import { BlockNotFoundError, createPublicClient, fallback, http } from "viem";
import type { ChainSettings } from "../chainSettings.ts";

const REQUEST_TIMEOUT_MS = 10_000;

/** What the launcher asks a chain: which chain it is, and whether it still holds a block. */
export type ChainReader = {
  chain: ChainSettings;
  /** Hash of the block at this height, or null when the chain is not that high. */
  findBlockHash(blockNumber: bigint): Promise<string | null>;
  headNumber(): Promise<bigint>;
};

export function createChainReader(chain: ChainSettings): ChainReader {
  const transport = fallback(
    chain.rpcUrls.map((url) => http(url, { timeout: REQUEST_TIMEOUT_MS, retryCount: 1 })),
  );
  const client = createPublicClient({ transport, cacheTime: 0 });
  return {
    chain,
    headNumber: () => client.getBlockNumber(),
    async findBlockHash(blockNumber) {
      try {
        return (await client.getBlock({ blockNumber })).hash;
      } catch (error) {
        if (error instanceof BlockNotFoundError) return null;
        throw error;
      }
    },
  };
}
