import { pino } from "pino";
import type { Registry } from "prom-client";
import { loadKeccak } from "#protocol/merkleTree.ts";
import { WrongChainError } from "./chain/registerChain.ts";
import { type Config, InvalidSettingsError, loadConfig } from "./config.ts";
import { forgetOldAnswers } from "./consents/keptAnswers.ts";
import { connectDatabase } from "./db/client.ts";
import { errorForLog } from "./errorForLog.ts";
import { forgetOldWindows } from "./http/rateLimit.ts";
import { forgetOldNonces } from "./http/requestNonces.ts";
import { runJobWorkers } from "./jobWorkers.ts";
import { createWorkerMetrics } from "./operations/metrics.ts";
import { createMetricsGuard } from "./operations/metricsToken.ts";
import { serveMetrics } from "./operations/serveMetrics.ts";
import { createOriginDelegator } from "./pipeline/delegateOrigins.ts";
import { followChains } from "./pipeline/followChains.ts";
import { createChainLister, type KeyedChain } from "./pipeline/keyedChains.ts";
import { runChain } from "./pipeline/runChain.ts";
import { runLoop, type Step } from "./pipeline/runLoop.ts";
import {
  isReadableByOthers,
  readSigningKey,
  registerSigningKey,
  UnusableSigningKeyError,
} from "./pipeline/signingKey.ts";
import { untilDone } from "./pipeline/untilDone.ts";
import { createSecretBox } from "./secrets/secretBox.ts";
import { onShutdown } from "./shutdown.ts";

/** How often windows of the rate limits, nonces and idempotency keys that are over are deleted. */
const FORGET_INTERVAL_MS = 60_000;
const STATEMENT_TIMEOUT_MS = 120_000;

/**
 * The chain of the settings; null when they name none: then all chains are in the database.
 * @throws {InvalidSettingsError} for half a chain.
 */
function settingsChain(config: Config): KeyedChain | null {
  const { CHAIN_ID, CHAIN_RPC_URL, CHAIN_CONTRACT_ADDRESS, CHAIN_PUBLISHER_PRIVATE_KEY } = config;
  const needed = { CHAIN_ID, CHAIN_RPC_URL, CHAIN_CONTRACT_ADDRESS, CHAIN_PUBLISHER_PRIVATE_KEY };
  const missing = Object.entries(needed).flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (missing.length === Object.keys(needed).length) return null;
  if (missing.length > 0)
    throw new InvalidSettingsError(`A worker with a chain of its own needs: ${missing.join(", ")}`);
  return {
    source: "settings",
    chainId: CHAIN_ID!,
    name: config.CHAIN_NAME,
    rpcUrl: CHAIN_RPC_URL!,
    contractAddress: CHAIN_CONTRACT_ADDRESS!,
    confirmations: config.CHAIN_CONFIRMATIONS,
    privateKey: CHAIN_PUBLISHER_PRIVATE_KEY!,
  };
}

function signingKeyOf({ RECEIPT_SIGNING_KEY_FILE: file }: Config, logger: pino.Logger) {
  if (file === undefined) throw new InvalidSettingsError("A worker needs: RECEIPT_SIGNING_KEY_FILE");
  const signingKey = readSigningKey(file);
  if (isReadableByOthers(file))
    logger.warn({ file }, "other users of this machine can read the receipt signing key; chmod 600");
  return signingKey;
}

/** The process that seals, broadcasts and confirms. Run as many as you like: they share the work through the database. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const settings = settingsChain(config);
  const logger = pino({
    level: config.LOG_LEVEL,
    base: { process: config.WORKER_NAME },
    serializers: { err: errorForLog },
  });
  const clock = () => new Date();
  const signingKey = signingKeyOf(config, logger);
  await loadKeccak();
  const metrics = createWorkerMetrics(clock);

  const connect = () =>
    connectDatabase({
      url: config.DATABASE_URL,
      connectionsMax: config.DATABASE_CONNECTIONS_MAX,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      onError: (err) => logger.warn({ err }, "database connection lost"),
    });
  const db = connect();
  const stop = new AbortController();
  const { signal } = stop;
  onShutdown(logger, () => stop.abort());
  await listenForMetrics(config, metrics.registry, signal, logger);
  const jobs = runJobWorkers({
    db,
    config,
    clock,
    logger,
    signal,
    onRun: metrics.observeStep(),
  });
  const pollMs = config.PIPELINE_POLL_MS;

  const secret = config.CHAIN_KEY_ENCRYPTION_SECRET;
  const secretBox = secret === undefined ? null : createSecretBox(secret);
  if (secretBox === null)
    logger.warn("CHAIN_KEY_ENCRYPTION_SECRET is not set: the origin of consents is delegated to nobody");
  const delegateOrigins =
    secretBox === null ? async () => {} : createOriginDelegator({ db, secretBox, signingKey, clock, logger });
  await untilDone(() => registerSigningKey(db, signingKey, clock()), { pollMs, signal, logger });
  await untilDone(delegateOrigins, { pollMs, signal, logger });
  if (settings === null) logger.info("worker ready");
  const deps = {
    connect,
    signingKey,
    delegateOrigins,
    limits: {
      sealIntervalMs: config.SEAL_INTERVAL_MS,
      batchLeavesMax: config.BATCH_LEAVES_MAX,
      resendAfterMs: config.RESEND_AFTER_MS,
      replaceAfterMs: config.REPLACE_AFTER_MS,
    },
    pollMs,
    rpcTimeoutMs: config.RPC_TIMEOUT_MS,
    balanceAnchorsMin: config.BALANCE_ANCHORS_MIN,
    clock,
    logger,
    metrics,
  };
  const forget: Step = {
    name: "forget what is over",
    run: async () => {
      await forgetOldWindows(db);
      await forgetOldNonces(db);
      await forgetOldAnswers(db, clock());
      return false;
    },
  };
  await Promise.all([
    followChains({
      listChains: createChainLister({ db, secretBox, settings, logger }),
      runChain: (keyed, chainSignal) =>
        runChain(
          {
            ...deps,
            onReady: ({ chainId }, publisher) =>
              logger.info(
                { chainId, publisher, contract: keyed.contractAddress },
                keyed.source === "settings" ? "worker ready" : "chain taken up",
              ),
          },
          keyed,
          chainSignal,
        ),
      signal,
      logger,
    }),
    runLoop(forget, { pollMs: FORGET_INTERVAL_MS, signal, logger, onRun: metrics.observeStep() }),
  ]);
  await jobs;
  await db.pool.end();
  logger.info("worker stopped");
}

/** A worker listens for nothing but who asks for its metrics, and only when it is told where. */
async function listenForMetrics(
  { HOST: host, METRICS_PORT: port, METRICS_TOKEN }: Config,
  registry: Registry,
  signal: AbortSignal,
  logger: pino.Logger,
): Promise<void> {
  if (port === undefined) return;
  const mayRead = createMetricsGuard(METRICS_TOKEN);
  const listening = await serveMetrics({ registry, host, port, mayRead, signal }).catch((error) => {
    if (error.code !== "EADDRINUSE") throw error;
    throw new InvalidSettingsError(
      `Port ${port} on ${host} is taken; set METRICS_PORT to another, or to none`,
    );
  });
  logger.info({ host, port: listening }, "metrics listening");
}

main().catch((error: unknown) => {
  const expected =
    error instanceof InvalidSettingsError ||
    error instanceof WrongChainError ||
    error instanceof UnusableSigningKeyError;
  console.error(expected ? error.message : error);
  process.exit(1);
});
