/**
 * What Ponder indexes. Started by the launcher, once for each chain; the settings come from the environment:
 * - INDEXER_CHAINS: the chain, in a JSON list (chainSettings.ts says which members). Required.
 * - INDEXER_DATABASE_URL: the PostgreSQL database that holds the index. Required.
 */
import { createConfig } from "ponder";
import { anchorRegistryAbi } from "../protocol/src/anchorRegistryAbi.ts";
import { chainName, parseChains } from "./chainSettings.ts";

const chains = parseChains(process.env.INDEXER_CHAINS);

export default createConfig({
  database: {
    kind: "postgres",
    connectionString: process.env.INDEXER_DATABASE_URL,
    // Two for Ponder's own tables, and three each to index, to cache and to read: one of several processes on this database.
    poolConfig: { max: 11 },
  },
  chains: Object.fromEntries(
    chains.map((chain) => [
      chainName(chain),
      {
        id: chain.chainId,
        rpc: chain.rpcUrls,
        pollingInterval: chain.pollingIntervalMs,
        disableCache: chain.disposable,
      },
    ]),
  ),
  contracts: {
    AnchorRegistry: {
      abi: anchorRegistryAbi,
      includeTransactionReceipts: true,
      chain: Object.fromEntries(
        chains.map((chain) => [
          chainName(chain),
          { address: chain.contractAddress.toLowerCase() as `0x${string}`, startBlock: chain.startBlock },
        ]),
      ),
    },
  },
});
