import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { ChainSettings } from "../chainSettings.ts";
import { type ChainReader, createChainReader } from "./chainReader.ts";
import { isDisproved, recordFinality } from "./chainWatch.ts";
import { chooseSchema, forgetChain } from "./chooseSchema.ts";
import { findFreePort } from "./freePort.ts";
import type { LauncherLock } from "./launcherLock.ts";
import { type PonderProcess, startPonder } from "./ponderProcess.ts";
import { prepareToResume } from "./prepareToResume.ts";
import { type RpcRelay, startRpcRelay } from "./rpcRelay.ts";
import { createStallWatch } from "./stallWatch.ts";
import { aborted, untilAnswered } from "./untilAnswered.ts";
import { serveIndex } from "./views.ts";

const WATCH_DISPOSABLE_MS = 1_000;
const WATCH_MS = 30_000;
const RESTART_MS = 1_000;
const RESTART_MS_MAX = 30_000;
const LOOPBACK = "127.0.0.1";

export type IndexChainOptions = {
  chain: ChainSettings;
  lock: LauncherLock;
  databaseUrl: string;
  logLevel: string;
  log: Logger;
  /** Aborted to stop. */
  signal: AbortSignal;
  /** Called whenever an index goes live: at the start, and again after the chain became another one. */
  onLive: (schema: string) => void;
};

/**
 * Indexes one chain with a Ponder of its own until `signal` says stop: on a fresh schema whenever the chain has become another one,
 * and again when Ponder ends. Nothing that happens to one chain holds up another.
 */
export async function indexChain(options: IndexChainOptions): Promise<void> {
  const { chain, log, signal } = options;
  const reader = createChainReader(chain);
  const relay = await startRpcRelay(chain);
  try {
    for (let failures = 0; !signal.aborted; ) {
      const end = await indexUntilEnd(options, reader, relay).catch((error: Error): End => {
        log.error({ msg: "Ponder could not be run", reason: error.message });
        return { kind: "exited", code: 1, wasLive: false };
      });
      if (signal.aborted) return;
      failures = end.kind === "exited" && !end.wasLive ? failures + 1 : 0;
      if (end.kind !== "exited") continue;
      const restartInMs = Math.min(RESTART_MS * 2 ** Math.max(0, failures - 1), RESTART_MS_MAX);
      log.warn({ msg: "Ponder ended: starting it again", code: end.code, restartInMs });
      await delay(restartInMs, undefined, { signal }).catch(() => {});
    }
  } finally {
    await relay.close();
  }
}

/** How a run of Ponder ended: on its own, stuck, or because the chain is not the one that was indexed. */
type End =
  | { kind: "exited"; code: number; wasLive: boolean }
  | { kind: "stalled" }
  | { kind: "disproved" }
  | { kind: "stopped" };

async function indexUntilEnd(options: IndexChainOptions, reader: ChainReader, relay: RpcRelay): Promise<End> {
  const { chain, lock, log, signal } = options;
  const schema = await untilAnswered(options, async () => {
    const chosen = await chooseSchema(lock.database(), reader);
    await prepareToResume(lock.database(), chosen);
    return chosen;
  });
  if (schema === undefined) return { kind: "stopped" };
  log.info({ msg: "Starting Ponder", schema });
  const ponder = startPonder({
    ...options,
    command: "start",
    schema,
    host: LOOPBACK,
    port: await findFreePort(LOOPBACK),
    chain: { ...chain, rpcUrls: relay.urls },
  });
  const done = new AbortController();
  const watch: Watch = { options: { ...options, signal: done.signal }, schema, reader, ponder, live: false };
  const end = await Promise.race([
    ponder.exited.then((code): End => ({ kind: "exited", code, wasLive: watch.live })),
    aborted(signal).then((): End => ({ kind: "stopped" })),
    ponder.unrecoverable.then((): End => ({ kind: "disproved" })),
    watchChain(watch),
  ]).finally(async () => {
    done.abort();
    await ponder.stop();
  });
  if (end.kind === "stalled")
    log.warn({ msg: "Ponder no longer follows its chain: starting it again", schema });
  if (end.kind === "disproved") {
    log.warn({ msg: "The chain is not the one that was indexed: starting a fresh index", schema });
    await untilAnswered(options, () => forgetChain(lock.database(), schema, reader));
  }
  return end;
}

type Watch = {
  options: IndexChainOptions;
  schema: string;
  reader: ChainReader;
  ponder: PonderProcess;
  live: boolean;
};

/** Lets the views show the index when it is live, then looks from time to time whether the chain is still the same. */
async function watchChain(watch: Watch): Promise<End> {
  const { options, schema, reader, ponder } = watch;
  const { lock, log, signal } = options;
  const isStalled = createStallWatch(reader);
  void ponder.indexed.then(async () => {
    const dropped = await untilAnswered(options, () => serveIndex(lock.database(), schema));
    if (dropped === undefined) return;
    watch.live = true;
    options.onLive(schema);
    if (dropped.length > 0) log.info({ msg: "Dropped stale indexes", schemas: dropped });
  });
  for (;;) {
    await delay(reader.chain.disposable ? WATCH_DISPOSABLE_MS : WATCH_MS, undefined, { signal });
    try {
      if (await isDisproved(lock.database(), schema, reader)) return { kind: "disproved" };
      if (!watch.live) continue;
      await recordFinality(lock.database(), schema, reader);
      if (await isStalled(lock.database(), schema)) return { kind: "stalled" };
    } catch (error) {
      log.debug({ msg: "Could not look after the chain", reason: (error as Error).message });
    }
  }
}
