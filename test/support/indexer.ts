import { type StartedProcess, startProcess } from "./process.ts";

export type IndexerLive = { url: string; schema: string };

export type TestIndexer = StartedProcess & {
  /** The index that went live as number `count` (default: the first) since this process started. */
  live(count?: number): Promise<IndexerLive>;
};

export type IndexedChain = {
  chainId: number;
  rpcUrl: string;
  contractAddress: string;
  startBlock?: number;
};

const LIVE_DEADLINE_MS = 60_000;

/** Runs `scripts/indexer.ts` on a free port, asking the chains for new blocks every 100 ms. */
export function startIndexer(options: {
  databaseUrl: string;
  chains: readonly IndexedChain[];
  env?: Record<string, string>;
}): TestIndexer {
  const started = startProcess("scripts/indexer.ts", {
    ipc: true,
    env: {
      INDEXER_CHAINS: JSON.stringify(options.chains.map((chain) => ({ pollingIntervalMs: 100, ...chain }))),
      INDEXER_DATABASE_URL: options.databaseUrl,
      INDEXER_PORT: "0",
      ...options.env,
    },
  });
  const lives: IndexerLive[] = [];
  let wake = () => {};
  started.onMessage((message) => {
    const { type, ...live } = message as IndexerLive & { type?: string };
    if (type === "indexer.live") lives.push(live);
    wake();
  });
  return Object.assign(started, {
    live: (count = 1) =>
      new Promise<IndexerLive>((resolve, reject) => {
        const fail = (why: string) => reject(new Error(`${why}\n${started.output().slice(-6_000)}`));
        const timer = setTimeout(fail, LIVE_DEADLINE_MS, "the index did not go live in time");
        void started.exited.then((exit) => fail(`the indexer ended: ${JSON.stringify(exit)}`));
        wake = () => {
          const live = lives[count - 1];
          if (!live) return;
          clearTimeout(timer);
          resolve(live);
        };
        wake();
      }),
  });
}
