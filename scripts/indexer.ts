import { pino } from "pino";
import { findFreePort } from "../indexer/launch/freePort.ts";
import { runIndexer } from "../indexer/launch/runIndexer.ts";

/**
 * The indexer as a process of its own: `node scripts/indexer.ts`. Runs a Ponder for each chain, with stable views over all of them in
 * schema `chain`, and one that answers GraphQL from the views; logs JSON to stdout. Settings, from the environment:
 *
 * - INDEXER_CHAINS: chains to index, a JSON list (indexer/chainSettings.ts). Those that the API's database knows are indexed too.
 * - INDEXER_DATABASE_URL: PostgreSQL connection string. Required.
 * - INDEXER_HOST: address that GraphQL and /status listen on. Default 127.0.0.1.
 * - INDEXER_PORT: TCP port, 0 for a free one. Default 42069. If it is taken, Ponder takes the next one.
 * - INDEXER_READER_ROLE: PostgreSQL role that gets SELECT on the views. Default: none beside the owner.
 * - INDEXER_LOG_LEVEL: error, warn, info, debug or trace. Default info.
 *
 * Over an IPC channel, if there is one, it sends `{ type: "indexer.live", url, chainId, schema }` whenever the index of a chain goes
 * live. Ends on SIGTERM and SIGINT with 0, and with 1 when its parent is gone or another indexer took over.
 */
async function main(): Promise<void> {
  const { INDEXER_CHAINS, INDEXER_DATABASE_URL, INDEXER_HOST, INDEXER_PORT, INDEXER_READER_ROLE } =
    process.env;
  if (!LOG_LEVELS.includes(logLevel))
    throw new Error(`INDEXER_LOG_LEVEL must be one of ${LOG_LEVELS.join(", ")}`);
  if (!INDEXER_DATABASE_URL) throw new Error("INDEXER_DATABASE_URL must be set");
  if (!/^\d{1,5}$/.test(INDEXER_PORT || "0") || Number(INDEXER_PORT) > 65_535)
    throw new Error("INDEXER_PORT must be a TCP port, from 0 to 65535");
  const host = INDEXER_HOST || "127.0.0.1";
  await runIndexer({
    chainsJson: INDEXER_CHAINS,
    databaseUrl: INDEXER_DATABASE_URL,
    host,
    port: Number(INDEXER_PORT || 42069) || (await findFreePort(host)),
    readerRole: INDEXER_READER_ROLE,
    logLevel,
    log,
    signal: stop.signal,
    onLive(live) {
      log.info({ msg: "Index is live", ...live });
      process.send?.({ type: "indexer.live", ...live });
    },
  });
}

const LOG_LEVELS = ["error", "warn", "info", "debug", "trace"];
const logLevel = process.env.INDEXER_LOG_LEVEL || "info";
const log = pino({
  level: LOG_LEVELS.includes(logLevel) ? logLevel : "info",
  base: { process: "indexer" },
});
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
process.once("SIGINT", () => stop.abort());
process.once("disconnect", () => {
  process.exitCode = 1;
  stop.abort();
});

main().then(
  () => process.exit(process.exitCode ?? 0),
  (error: Error) => {
    if (!stop.signal.aborted) log.fatal({ msg: "The indexer stopped", reason: error.message });
    process.exit(process.exitCode ?? (stop.signal.aborted ? 0 : 1));
  },
);
