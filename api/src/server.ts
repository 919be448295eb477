import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Redis } from "ioredis";
import { pino } from "pino";
import { startRecordingKeyUse } from "./accounts/recordKeyUse.ts";
import { createApp } from "./app.ts";
import { type Config, InvalidSettingsError, loadConfig } from "./config.ts";
import { createMediaStore, uploadFolderOf } from "./consentGate/mediaStore.ts";
import { createPdfSigner, InvalidPdfSignerError, type PdfSigner } from "./consentProof/pdf/pdfSigner.ts";
import { connectDatabase, type Database } from "./db/client.ts";
import { errorForLog } from "./errorForLog.ts";
import { countInPostgres, countInRedis, createRateLimit } from "./http/rateLimit.ts";
import { forgetAbandonedUploads } from "./http/upload.ts";
import { createJobQueue } from "./jobs/jobQueue.ts";
import { createLogBlocks } from "./logBlocks.ts";
import { createMetrics, type Metrics } from "./operations/metrics.ts";
import { resolveByDns } from "./outbound/resolveTarget.ts";
import { createSecretBox } from "./secrets/secretBox.ts";
import { onShutdown } from "./shutdown.ts";

/** Longest wait for requests under way when the process is asked to stop; milliseconds. */
const DRAIN_MS = 10_000;
/** Longest statement of a request; a database that stays silent is a 503 five seconds after that. Milliseconds. */
const STATEMENT_TIMEOUT_MS = 10_000;
const SWEEP_UPLOADS_MS = 3_600_000;

/** Where requests are counted: in Redis if there is one, else in PostgreSQL. */
function createLimits(
  config: Config,
  db: Database,
  clock: () => Date,
  logger: pino.Logger,
  metrics: Metrics,
) {
  const inPostgres = countInPostgres(db);
  if (config.REDIS_URL === undefined) {
    return { countRequest: createRateLimit(inPostgres, clock), close: () => {} };
  }
  const redis = new Redis(config.REDIS_URL, {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectTimeout: 2_000,
    commandTimeout: 1_000,
  });
  redis.on("error", (err: unknown) =>
    logger.warn({ err }, "Redis not reachable; PostgreSQL counts requests"),
  );
  const counter = countInRedis(redis, clock, inPostgres, (err) => {
    metrics.limitFallbacks.inc();
    if (err !== null) logger.debug({ err }, "requests counted in PostgreSQL");
  });
  return { countRequest: createRateLimit(counter, clock), close: () => redis.disconnect() };
}

/** @throws {InvalidSettingsError} */
async function readPdfSigner(config: Config): Promise<PdfSigner | null> {
  const { PDF_SIGNING_KEY_FILE: keyFile, PDF_SIGNING_CERTIFICATE_FILE: certificateFile } = config;
  if (keyFile === undefined && certificateFile === undefined) return null;
  try {
    if (keyFile === undefined || certificateFile === undefined)
      throw new InvalidPdfSignerError("PDF_SIGNING_KEY_FILE and PDF_SIGNING_CERTIFICATE_FILE go together");
    return await createPdfSigner(await readFile(keyFile, "utf8"), await readFile(certificateFile, "utf8"));
  } catch (error) {
    throw new InvalidSettingsError(`Invalid settings:\n  PDF_SIGNING_KEY_FILE: ${(error as Error).message}`);
  }
}

/** What an API that was killed has left of uploads lies on this machine; no worker sees it where media are in a bucket. */
function startSweepingUploads(folder: string, clock: () => Date, logger: pino.Logger): NodeJS.Timeout {
  const sweep = () =>
    forgetAbandonedUploads(folder, clock()).catch((err) =>
      logger.warn({ err }, "abandoned uploads are not deleted"),
    );
  void sweep();
  return setInterval(sweep, SWEEP_UPLOADS_MS).unref();
}

/** The process that answers HTTP. It holds no key that a proof depends on; run as many as you like behind one address. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const pdfSigner = await readPdfSigner(config);
  const logger = pino(
    { level: config.LOG_LEVEL, base: { process: "api" }, serializers: { err: errorForLog } },
    createLogBlocks(),
  );
  const clock = () => new Date();
  const db = connectDatabase({
    url: config.DATABASE_URL,
    connectionsMax: config.DATABASE_CONNECTIONS_MAX,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onError: (err) => logger.warn({ err }, "database connection lost"),
  });
  const metrics = createMetrics();
  const limits = createLimits(config, db, clock, logger, metrics);
  const keyUse = startRecordingKeyUse(db, clock, logger);
  const jobs = createJobQueue(db, { supervise: false, logger });
  const app = createApp({
    db,
    jobs,
    clock,
    logger,
    countRequest: limits.countRequest,
    onKeyUsed: keyUse.record,
    publicUrl: config.PUBLIC_URL,
    trustedProxies: config.TRUSTED_PROXIES,
    publicRateLimitPerMinute: config.PUBLIC_RATE_LIMIT,
    rpcTimeoutMs: config.RPC_TIMEOUT_MS,
    exportFolder: config.EXPORT_FOLDER,
    mediaStore: createMediaStore(config),
    uploadFolder: uploadFolderOf(config),
    pdfSigner,
    exportTenantBytesMax: config.EXPORT_TENANT_BYTES_MAX,
    mediaTenantBytesMax: config.MEDIA_TENANT_BYTES_MAX,
    loginLimits: {
      perNetwork: config.AUTH_RATE_LIMIT,
      signUpsPerNetwork: config.SIGN_UP_RATE_LIMIT,
      perAccountAndNetwork: config.LOGIN_RATE_LIMIT,
      perAccountOfStrangers: config.LOGIN_STRANGERS_RATE_LIMIT,
    },
    metrics,
    metricsToken: config.METRICS_TOKEN,
    secretBox: config.CHAIN_KEY_ENCRYPTION_SECRET
      ? createSecretBox(config.CHAIN_KEY_ENCRYPTION_SECRET)
      : null,
    resolveName: resolveByDns,
    webhookAllowLoopback: config.WEBHOOK_ALLOW_LOOPBACK,
    planLimits: {
      free: config.PLAN_FREE_HASHES,
      basic: config.PLAN_BASIC_HASHES,
      pro: config.PLAN_PRO_HASHES,
    },
    planRateLimits: {
      free: config.PLAN_FREE_RATE_LIMIT,
      basic: config.PLAN_BASIC_RATE_LIMIT,
      pro: config.PLAN_PRO_RATE_LIMIT,
    },
  });

  const sweep = startSweepingUploads(uploadFolderOf(config), clock, logger);
  const server = serve(
    { fetch: app.fetch, hostname: config.HOST, port: config.PORT },
    ({ port }: AddressInfo) => {
      logger.info({ host: config.HOST, port }, "listening");
      logger.flush();
      // The supervisor that started this process with an IPC channel learns the port from it.
      process.send?.({ listening: { port } });
    },
  );
  server.on("error", (error: NodeJS.ErrnoException) => {
    console.error(
      error.code === "EADDRINUSE"
        ? `Port ${config.PORT} on ${config.HOST} is taken; set PORT to another, or 0 for a free one`
        : error,
    );
    process.exit(1);
  });

  onShutdown(logger, async () => {
    const drained = new Promise((resolve) => server.close(resolve));
    if ("closeIdleConnections" in server) server.closeIdleConnections();
    const timer = setTimeout(() => "closeAllConnections" in server && server.closeAllConnections(), DRAIN_MS);
    await drained;
    clearTimeout(timer);
    clearInterval(sweep);
    await keyUse.stop();
    await jobs.stop();
    limits.close();
    await db.pool.end();
    logger.info("stopped");
    logger.flush();
  });
}

try {
  await main();
} catch (error) {
  console.error(error instanceof InvalidSettingsError ? error.message : error);
  process.exit(1);
}
