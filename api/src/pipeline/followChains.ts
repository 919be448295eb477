import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import { WrongChainError } from "../chain/registerChain.ts";
import type { KeyedChain, KeyedChains } from "./keyedChains.ts";

/** How soon a chain that was added or changed is taken up. */
const LOOK_MS = 2_000;

export type FollowDeps = {
  listChains: () => Promise<KeyedChains>;
  /** Works for a chain until its signal is aborted. */
  runChain: (chain: KeyedChain, signal: AbortSignal) => Promise<void>;
  signal: AbortSignal;
  logger: Logger;
};

type Running = { chain: KeyedChain; stop: AbortController; done: Promise<void>; isOver: boolean };

/**
 * Works for every chain that there is a key of, side by side, and looks again and again for new and changed ones. A chain that
 * changed is started again once its run has come to an end; nothing waits for it meanwhile.
 * @throws {WrongChainError} when the settings contradict their chain.
 */
export async function followChains({ listChains, runChain, signal, logger }: FollowDeps): Promise<void> {
  const running = new Map<number, Running>();
  let isIdle = false;
  const contradicted = Promise.withResolvers<never>();

  function start(chain: KeyedChain): void {
    const stop = new AbortController();
    const done = runChain(chain, AbortSignal.any([signal, stop.signal]))
      .catch((error: unknown) => {
        if (error instanceof WrongChainError) contradicted.reject(error);
        else
          logger.error({ err: error, chainId: chain.chainId }, "work for a chain ended; starting it again");
      })
      .finally(() => {
        run.isOver = true;
      });
    const run: Running = { chain, stop, done, isOver: false };
    running.set(chain.chainId, run);
  }

  async function look(): Promise<void> {
    const { keyed, unopenable } = await listChains();
    for (const [chainId, run] of running) {
      if (run.isOver) running.delete(chainId);
      else if (!unopenable.has(chainId) && !keyed.some((chain) => isDeepStrictEqual(chain, run.chain)))
        run.stop.abort();
    }
    for (const chain of keyed) if (!running.has(chain.chainId)) start(chain);
    if (keyed.length === 0 && !isIdle)
      logger.warn("there is no chain to work for: set CHAIN_*, or add one with POST /admin/chains");
    isIdle = keyed.length === 0;
  }

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      await look().catch((err: unknown) => logger.warn({ err }, "chains not read"));
      await delay(LOOK_MS, undefined, { signal }).catch(() => {});
    }
    await Promise.all([...running.values()].map(({ done }) => done));
  }

  await Promise.race([follow(), contradicted.promise]);
}
