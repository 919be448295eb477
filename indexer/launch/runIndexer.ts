import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { parseChains } from "../chainSettings.ts";
import { type ChainReader, createChainReader } from "./chainReader.ts";
import { listDisprovedChains, recordFinality } from "./chainWatch.ts";
import { chooseSchema, forgetChains } from "./chooseSchema.ts";
import { dropStaleSchemas } from "./indexSchema.ts";
import { acquireLauncherLock, type LauncherLock } from "./launcherLock.ts";
import { type PonderProcess, startPonder, VIEWS_SCHEMA } from "./ponderProcess.ts";
import { prepareToResume } from "./prepareToResume.ts";
import { startRpcRelay } from "./rpcRelay.ts";
import { createStallWatch } from "./stallWatch.ts";
import { openViewsSchema } from "./viewsSchema.ts";

const RETRY_MS = 1_000;
const WATCH_DISPOSABLE_MS = 1_000;
const WATCH_MS = 30_000;

export type IndexerOptions = {
  databaseUrl: string;
  chainsJson: string;
  host: string;
  /** TCP port; not 0, Ponder cannot tell which one it got. */
  port: number;
  /** PostgreSQL role that may read the views, beside the owner. */
  readerRole?: string;
  logLevel: string;
  log: Logger;
  /** Aborted to stop. */
  signal: AbortSignal;
  /** Called whenever an index goes live: at the start, and again after a chain became another one. */
  onLive: (live: { url: string; schema: string }) => void;
};

/**
 * Runs Ponder until `signal` says stop, and starts it on a fresh schema whenever a chain under it has become another one.
 * @returns 0 after a stop, else Ponder's exit code: its supervisor starts us again.
 * @throws {LauncherReplacedError}
 */
export async function runIndexer(options: IndexerOptions): Promise<number> {
  const { log, signal } = options;
  const chains = parseChains(options.chainsJson);
  const readers = chains.map(createChainReader);
  const relays = await Promise.all(chains.map(startRpcRelay));
  const relayed = chains.map((chain, i) => ({ ...chain, rpcUrl: relays[i]?.urls }));
  const lock = await acquireLauncherLock(options.databaseUrl, {
    signal,
    onWait: (reason) => log.warn({ msg: "Indexer waits", reason }),
  });
  try {
    for (;;) {
      const end = await indexUntilDisproved(
        { ...options, chainsJson: JSON.stringify(relayed) },
        readers,
        lock,
      );
      if (signal.aborted) return 0;
      if (end.kind === "exited") return end.code || 1;
    }
  } finally {
    await lock.release();
    await Promise.all(relays.map((relay) => relay.close()));
  }
}

/** How a run of Ponder ended: on its own, stuck, or because chains are not the ones that were indexed. */
type End = { kind: "exited"; code: number } | { kind: "stalled" } | { kind: "disproved"; chainIds: number[] };

async function indexUntilDisproved(
  options: IndexerOptions,
  readers: readonly ChainReader[],
  lock: LauncherLock,
): Promise<End> {
  const { log, signal } = options;
  const schema = await retried(options, () => prepareSchema(lock, readers, options));
  if (schema === undefined) return { kind: "exited", code: 0 };
  log.info({ msg: "Starting Ponder", schema });
  const ponder = startPonder({ ...options, schema, onLog: (line) => process.stdout.write(`${line}\n`) });
  const done = new AbortController();
  const end = await Promise.race([
    ponder.exited.then((code): End => ({ kind: "exited", code })),
    aborted(signal).then((): End => ({ kind: "exited", code: 0 })),
    ponder.unrecoverable.then((chainId): End => ({ kind: "disproved", chainIds: [chainId] })),
    watchChains({ options, schema, readers, lock, ponder, signal: done.signal }),
    lock.lost,
  ]).finally(async () => {
    done.abort();
    await ponder.stop();
  });
  if (end.kind === "stalled")
    log.warn({ msg: "Ponder no longer follows its chain: starting it again", schema });
  if (end.kind === "disproved") {
    log.warn({ msg: "A chain is not the one that was indexed: starting a fresh index", schema, ...end });
    await retried(options, () => forgetChains(lock.client(), schema, readers, end.chainIds));
  }
  return end;
}

async function prepareSchema(
  lock: LauncherLock,
  readers: readonly ChainReader[],
  { readerRole }: IndexerOptions,
): Promise<string> {
  const schema = await chooseSchema(lock.client(), readers);
  await openViewsSchema(lock.client(), VIEWS_SCHEMA, readerRole);
  await prepareToResume(lock.client(), schema);
  return schema;
}

type Watch = {
  options: IndexerOptions;
  schema: string;
  readers: readonly ChainReader[];
  lock: LauncherLock;
  ponder: PonderProcess;
  signal: AbortSignal;
};

/** Announces the index when it is live, then looks from time to time whether the chains are still the same. */
async function watchChains({ options, schema, readers, lock, ponder, signal }: Watch): Promise<End> {
  const intervalMs = readers.some(({ chain }) => chain.disposable) ? WATCH_DISPOSABLE_MS : WATCH_MS;
  const isStalled = createStallWatch(readers);
  let live = false;
  void ponder.live.then(async (port) => {
    live = true;
    options.onLive({ url: `http://${options.host}:${port}`, schema });
    const dropped = await retried({ ...options, signal }, () => dropStaleSchemas(lock.client(), schema));
    if (dropped?.length) options.log.info({ msg: "Dropped stale indexes", schemas: dropped });
  });
  for (;;) {
    await delay(intervalMs, undefined, { signal });
    try {
      const chainIds = await listDisprovedChains(lock.client(), schema, readers);
      if (chainIds.length > 0) return { kind: "disproved", chainIds };
      if (!live) continue;
      await recordFinality(lock.client(), schema, readers);
      if (await isStalled(lock.client(), schema)) return { kind: "stalled" };
    } catch (error) {
      options.log.debug({ msg: "Could not look after the chains", reason: (error as Error).message });
    }
  }
}

/** Repeats what needs the chains and the database until both answer; undefined once stopped. */
async function retried<T>(
  { log, signal }: Pick<IndexerOptions, "log" | "signal">,
  work: () => Promise<T>,
): Promise<T | undefined> {
  for (let told = ""; !signal.aborted; ) {
    try {
      return await work();
    } catch (error) {
      const reason = (error as Error).message.split("\n", 1)[0] ?? "";
      if (reason !== told) log.warn({ msg: "Indexer waits", reason });
      told = reason;
      await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }
  return undefined;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
