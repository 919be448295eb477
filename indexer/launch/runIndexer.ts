import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import { type ChainSettings, parseChains } from "../chainSettings.ts";
import { answerGraphql, type GraphqlServer } from "./answerGraphql.ts";
import { indexChain } from "./indexChain.ts";
import { listKnownChains } from "./knownChains.ts";
import { acquireLauncherLock, type LauncherLock } from "./launcherLock.ts";
import { untilAnswered } from "./untilAnswered.ts";
import { openViews, retireIndexes } from "./views.ts";

/** How soon a chain that was added or changed is taken up. */
const LOOK_MS = 2_000;

export type IndexerOptions = {
  databaseUrl: string;
  /** INDEXER_CHAINS; absent when all chains are the database's. */
  chainsJson: string | undefined;
  /** Where GraphQL and /status are answered. */
  host: string;
  /** TCP port; not 0, Ponder cannot tell which one it got. */
  port: number;
  /** PostgreSQL role that may read the views, beside the owner. */
  readerRole?: string;
  logLevel: string;
  log: Logger;
  /** Aborted to stop. */
  signal: AbortSignal;
  /** Called whenever the index of a chain goes live: at the start, and again after the chain became another one. */
  onLive: (live: { url: string; chainId: number; schema: string }) => void;
};

/**
 * Indexes every chain that the settings and the database name, each with a Ponder of its own, until `signal` says stop. Chains that
 * the database gets meanwhile are taken up, changed ones are started again.
 * @throws {LauncherReplacedError}
 */
export async function runIndexer(options: IndexerOptions): Promise<void> {
  const { log, signal } = options;
  const settings = parseChains(options.chainsJson);
  const lock = await acquireLauncherLock(options.databaseUrl, {
    signal,
    onWait: (reason) => log.warn({ msg: "Indexer waits", reason }),
  });
  const stop = new AbortController();
  const run: Run = { options, lock, signal: AbortSignal.any([signal, stop.signal]), indexed: new Map() };
  const following = followChains(run, settings);
  try {
    await Promise.race([following, lock.lost]);
  } finally {
    stop.abort();
    await following.catch(() => {});
    await lock.release();
  }
}

type IndexedChain = { chain: ChainSettings; stop(): Promise<void> };
type Run = {
  options: IndexerOptions;
  lock: LauncherLock;
  signal: AbortSignal;
  /** By chain id. */
  indexed: Map<number, IndexedChain>;
  graphql?: GraphqlServer;
};

async function followChains(run: Run, settings: readonly ChainSettings[]): Promise<void> {
  const { options, lock, signal } = run;
  const waiting = { log: options.log, signal };
  await untilAnswered(waiting, () => openViews(lock.database(), options.readerRole));
  for (let isIdle = false; !signal.aborted; ) {
    await untilAnswered(waiting, async () =>
      takeUp(run, await listKnownChains(lock.database(), settings, options.log)),
    );
    if (run.indexed.size === 0 && !isIdle) options.log.info({ msg: "There is no chain to index yet" });
    isIdle = run.indexed.size === 0;
    await delay(LOOK_MS, undefined, { signal }).catch(() => {});
  }
  await Promise.all([run.graphql?.stop(), ...[...run.indexed.values()].map((one) => one.stop())]);
}

/** Stops what is gone or changed, and starts what is new. */
async function takeUp(run: Run, known: readonly ChainSettings[]): Promise<void> {
  const { options, lock, indexed } = run;
  const isSame = (chain: ChainSettings) => isDeepStrictEqual(indexed.get(chain.chainId)?.chain, chain);
  if (known.length === indexed.size && known.every(isSame)) return;
  for (const [chainId, { chain, stop }] of indexed) {
    if (known.some((one) => isDeepStrictEqual(one, chain))) continue;
    options.log.info({ msg: "A chain has changed or is gone", chainId });
    await stop();
    indexed.delete(chainId);
  }
  const dropped = await retireIndexes(
    lock.database(),
    known.map(({ chainId }) => chainId),
  );
  if (dropped.length > 0)
    options.log.info({ msg: "Dropped indexes of chains that are gone", schemas: dropped });
  for (const chain of known) if (!indexed.has(chain.chainId)) indexed.set(chain.chainId, start(run, chain));
}

function start(run: Run, chain: ChainSettings): IndexedChain {
  const { options, lock } = run;
  const { chainId } = chain;
  const log = options.log.child({ chainId });
  const stop = new AbortController();
  const signal = AbortSignal.any([run.signal, stop.signal]);
  run.graphql ??= answerGraphql({ ...options, chain, signal: run.signal });
  const { listening } = run.graphql;
  const done = indexChain({
    ...options,
    chain,
    lock,
    log,
    signal,
    onLive: (schema) =>
      void listening.then((port) =>
        options.onLive({ url: `http://${options.host}:${port}`, chainId, schema }),
      ),
  });
  return {
    chain,
    stop() {
      stop.abort();
      return done;
    },
  };
}
