import type { Chain, ChainDirectory } from "../chain/chainDirectory.ts";
import type { ChainReader } from "../chain/chainReader.ts";

export type ReadinessDeps = {
  chains: ChainDirectory;
  indexedUpTo: () => Promise<Map<number, number>>;
  readerOf: (chain: Chain) => ChainReader;
};

/** One chain and its index, as of now. `blocksBehind`: how many blocks the index has still to read; null when unknown. */
type ChainReadiness = {
  chainId: number;
  reachable: boolean;
  latestBlock: number | null;
  indexedBlock: number | null;
  blocksBehind: number | null;
};

export type Readiness = { ready: boolean; database: { reachable: boolean }; chains: ChainReadiness[] };

/** Whether the database, every chain and its index can be reached, and how far the index is behind. Never throws. */
export async function readReadiness({ chains, indexedUpTo, readerOf }: ReadinessDeps): Promise<Readiness> {
  const read = await Promise.all([chains.all(), indexedUpTo()]).catch(() => null);
  if (read === null) return { ready: false, database: { reachable: false }, chains: [] };
  const [known, upTo] = read;
  const states = await Promise.all(
    known.map((chain) => chainReadiness(chain, readerOf(chain), upTo.get(chain.chainId) ?? null)),
  );
  const ready = states.length > 0 && states.every((state) => state.reachable && state.indexedBlock !== null);
  return { ready, database: { reachable: true }, chains: states };
}

async function chainReadiness(
  { chainId }: Chain,
  reader: ChainReader,
  indexedBlock: number | null,
): Promise<ChainReadiness> {
  const latestBlock = await reader.client.getBlockNumber().then(Number, () => null);
  const blocksBehind =
    latestBlock === null || indexedBlock === null ? null : Math.max(0, latestBlock - indexedBlock);
  return { chainId, reachable: latestBlock !== null, latestBlock, indexedBlock, blocksBehind };
}
