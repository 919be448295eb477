import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { ChainSettings } from "../chainSettings.ts";
import { startPonder } from "./ponderProcess.ts";
import { VIEWS_SCHEMA } from "./views.ts";

const RESTART_MS = 1_000;
/** Nothing listens there; the chain's own URLs may hold a provider's key. */
const NOWHERE = "http://127.0.0.1:9";

export type GraphqlServer = {
  /** Resolves with the port when it first answers. */
  listening: Promise<number>;
  /** Resolves when it has ended, after its signal was aborted. */
  stop(): Promise<void>;
};

/**
 * Answers GraphQL and /status for all chains together, from the views, by a Ponder that indexes nothing. It goes on while the index
 * of a chain is started again or built anew.
 */
export function answerGraphql(options: {
  /** Any; it is not asked. */
  chain: ChainSettings;
  host: string;
  port: number;
  databaseUrl: string;
  logLevel: string;
  log: Logger;
  signal: AbortSignal;
}): GraphqlServer {
  const { log, signal } = options;
  const chain = { ...options.chain, rpcUrls: [NOWHERE] };
  const listening = Promise.withResolvers<number>();

  async function keepAnswering(): Promise<void> {
    while (!signal.aborted) {
      const ponder = startPonder({ ...options, chain, command: "serve", schema: VIEWS_SCHEMA });
      void ponder.listening.then(listening.resolve);
      const onAbort = () => void ponder.stop();
      signal.addEventListener("abort", onAbort, { once: true });
      const code = await ponder.exited;
      signal.removeEventListener("abort", onAbort);
      if (signal.aborted) return;
      log.warn({ msg: "GraphQL ended: starting it again", code });
      await delay(RESTART_MS, undefined, { signal }).catch(() => {});
    }
  }

  const done = keepAnswering();
  return { listening: listening.promise, stop: () => done };
}
