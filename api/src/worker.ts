import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
import { loadKeccak } from "#protocol/merkleTree.ts";
import { createAnchorWriter } from "./chain/anchorWriter.ts";
import { createChainReader } from "./chain/chainReader.ts";
import { registerChain, requireChain, WrongChainError } from "./chain/registerChain.ts";
import { watchBalance } from "./chain/watchBalance.ts";
import { type Config, InvalidSettingsError, loadConfig } from "./config.ts";
import { connectDatabase } from "./db/client.ts";
import { errorForLog } from "./errorForLog.ts";
import { forgetOldWindows } from "./http/rateLimit.ts";
import { runJobWorkers } from "./jobWorkers.ts";
import { pipelineSteps } from "./pipeline/pipelineSteps.ts";
import { runLoop, type Step } from "./pipeline/runLoop.ts";
import {
  isReadableByOthers,
  readSigningKey,
  registerSigningKey,
  UnusableSigningKeyError,
} from "./pipeline/signingKey.ts";
import { onShutdown } from "./shutdown.ts";

/** How often windows of the rate limits that are over are deleted. */
const FORGET_INTERVAL_MS = 60_000;
const BALANCE_INTERVAL_MS = 60_000;

/** Settings that only a worker needs. */
function workerSettings(config: Config) {
  const {
    CHAIN_ID,
    CHAIN_RPC_URL,
    CHAIN_CONTRACT_ADDRESS,
    CHAIN_PUBLISHER_PRIVATE_KEY,
    RECEIPT_SIGNING_KEY_FILE,
  } = config;
  const needed = {
    CHAIN_ID,
    CHAIN_RPC_URL,
    CHAIN_CONTRACT_ADDRESS,
    CHAIN_PUBLISHER_PRIVATE_KEY,
    RECEIPT_SIGNING_KEY_FILE,
  };
  const missing = Object.entries(needed).flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (missing.length > 0) throw new InvalidSettingsError(`A worker needs: ${missing.join(", ")}`);
  return needed as { [Name in keyof typeof needed]: NonNullable<(typeof needed)[Name]> };
}

/** The process that seals, broadcasts and confirms. Run as many as you like: they share the work through the database. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const settings = workerSettings(config);
  const logger = pino({
    level: config.LOG_LEVEL,
    base: { process: config.WORKER_NAME },
    serializers: { err: errorForLog },
  });
  const clock = () => new Date();
  const signingKey = readSigningKey(settings.RECEIPT_SIGNING_KEY_FILE);
  if (isReadableByOthers(settings.RECEIPT_SIGNING_KEY_FILE))
    logger.warn(
      { file: settings.RECEIPT_SIGNING_KEY_FILE },
      "other users of this machine can read the receipt signing key; chmod 600",
    );
  await loadKeccak();

  const db = connectDatabase({
    url: config.DATABASE_URL,
    connectionsMax: config.DATABASE_CONNECTIONS_MAX,
    statementTimeoutMs: 120_000,
    onError: (err) => logger.warn({ err }, "database connection lost"),
  });
  const stop = new AbortController();
  onShutdown(logger, () => stop.abort());
  const jobs = runJobWorkers({ db, config, clock, logger, signal: stop.signal });

  const reader = createChainReader(
    {
      rpcUrl: settings.CHAIN_RPC_URL,
      contractAddress: Buffer.from(settings.CHAIN_CONTRACT_ADDRESS.slice(2), "hex"),
    },
    config.RPC_TIMEOUT_MS,
  );
  const writer = createAnchorWriter(reader, {
    chainId: settings.CHAIN_ID,
    contractAddress: settings.CHAIN_CONTRACT_ADDRESS,
    privateKey: settings.CHAIN_PUBLISHER_PRIVATE_KEY,
  });
  const prepare = async () => {
    await requireChain(reader, {
      chainId: settings.CHAIN_ID,
      contractAddress: settings.CHAIN_CONTRACT_ADDRESS,
    });
    await registerSigningKey(db, signingKey, clock());
    return registerChain(db, {
      chainId: settings.CHAIN_ID,
      name: config.CHAIN_NAME,
      rpcUrl: settings.CHAIN_RPC_URL,
      contractAddress: settings.CHAIN_CONTRACT_ADDRESS,
      publisher: writer.publisher,
      confirmations: config.CHAIN_CONFIRMATIONS,
    });
  };
  const chain = await untilDone(prepare, config.PIPELINE_POLL_MS, stop.signal, logger);
  if (chain === null) {
    await jobs;
    await db.pool.end();
    return;
  }

  const limits = {
    sealIntervalMs: config.SEAL_INTERVAL_MS,
    batchLeavesMax: config.BATCH_LEAVES_MAX,
    resendAfterMs: config.RESEND_AFTER_MS,
    replaceAfterMs: config.REPLACE_AFTER_MS,
  };
  const steps = pipelineSteps({ db, chain, reader, writer, signingKey, limits, clock, logger });
  logger.info(
    { chainId: chain.chainId, publisher: writer.publisher, contract: settings.CHAIN_CONTRACT_ADDRESS },
    "worker ready",
  );
  const forget: Step = { name: "forget old windows", run: () => forgetOldWindows(db).then(() => false) };
  const balance: Step = {
    name: "watch balance",
    run: async () => {
      const { chainId } = chain;
      await watchBalance({ chainId, reader, writer, anchorsLeftMin: config.BALANCE_ANCHORS_MIN, logger });
      return false;
    },
  };
  await Promise.all([
    runLoop(balance, { pollMs: BALANCE_INTERVAL_MS, signal: stop.signal, logger }),
    ...steps.map((step) => runLoop(step, { pollMs: config.PIPELINE_POLL_MS, signal: stop.signal, logger })),
    runLoop(forget, { pollMs: FORGET_INTERVAL_MS, signal: stop.signal, logger }),
  ]);
  await jobs;
  await db.pool.end();
  logger.info("worker stopped");
}

/** Tries until it succeeds: the database or the chain may come up after us. Settings that contradict the chain end the process. */
async function untilDone<T>(
  work: () => Promise<T>,
  pollMs: number,
  signal: AbortSignal,
  logger: pino.Logger,
): Promise<T | null> {
  while (!signal.aborted) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof WrongChainError) throw error;
      logger.warn({ err: error, retryInMs: pollMs }, "not ready to start");
      await delay(pollMs, undefined, { signal }).catch(() => {});
    }
  }
  return null;
}

main().catch((error: unknown) => {
  const expected =
    error instanceof InvalidSettingsError ||
    error instanceof WrongChainError ||
    error instanceof UnusableSigningKeyError;
  console.error(expected ? error.message : error);
  process.exit(1);
});
