import type { Chain, ChainDirectory } from "../chain/chainDirectory.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { within } from "../within.ts";

export type ReadinessDeps = {
  chains: ChainDirectory;
  indexedUpTo: () => Promise<Map<number, number>>;
  readerOf: (chain: Chain) => ChainReader;
  clock: () => Date;
};

/** How long an index may be behind without reading a block before its indexer counts as away; milliseconds. */
const INDEX_STANDS_STILL_MS = 30_000;

/** A chain that has not answered by then counts as away: probes do not wait longer. Milliseconds. */
const ANSWER_MS_MAX = 3_000;

/** One chain and its index, as of now. */
type ChainReadiness = {
  chainId: number;
  reachable: boolean;
  /** Whether an index has been read and does not stand still. */
  indexed: boolean;
  latestBlock: number | null;
  indexedBlock: number | null;
  /** How many blocks the index has still to read; null when unknown. */
  blocksBehind: number | null;
};

export type Readiness = { ready: boolean; database: { reachable: boolean }; chains: ChainReadiness[] };

/** Tells whether the index of a chain has been behind for 30 s without reading a block, as far as it was asked. */
export function createStandstill(clock: () => Date) {
  const moved = new Map<number, { block: number; atMs: number }>();
  return (chainId: number, indexedBlock: number, blocksBehind: number | null): boolean => {
    const nowMs = clock().getTime();
    const last = moved.get(chainId);
    if (last?.block === indexedBlock && blocksBehind !== 0) return nowMs - last.atMs >= INDEX_STANDS_STILL_MS;
    moved.set(chainId, { block: indexedBlock, atMs: nowMs });
    return false;
  };
}

/**
 * Whether the database, every chain and its indexer can be reached, and how far the index is behind. Never throws.
 * The indexer is known by its work alone: it is away when the index stands still while the chain goes on.
 */
export function createReadiness(deps: ReadinessDeps): () => Promise<Readiness> {
  const { chains, indexedUpTo, readerOf, clock } = deps;
  const standsStill = createStandstill(clock);

  async function chainReadiness({ chainId }: Chain, reader: ChainReader, indexedBlock: number | null) {
    const latestBlock = await within(ANSWER_MS_MAX, reader.client.getBlockNumber().then(Number));
    const blocksBehind =
      latestBlock === null || indexedBlock === null ? null : Math.max(0, latestBlock - indexedBlock);
    const indexed = indexedBlock !== null && !standsStill(chainId, indexedBlock, blocksBehind);
    return { chainId, reachable: latestBlock !== null, indexed, latestBlock, indexedBlock, blocksBehind };
  }

  return async () => {
    const read = await Promise.all([chains.all(), indexedUpTo()]).catch(() => null);
    if (read === null) return { ready: false, database: { reachable: false }, chains: [] };
    const [known, upTo] = read;
    const states: ChainReadiness[] = await Promise.all(
      known.map((chain) => chainReadiness(chain, readerOf(chain), upTo.get(chain.chainId) ?? null)),
    );
    const ready = states.length > 0 && states.every(({ reachable, indexed }) => reachable && indexed);
    return { ready, database: { reachable: true }, chains: states };
  };
}
