import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPublicClient, createWalletClient, type Hex, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { createAdminKey } from "#api/accounts/createAdminKey.ts";
import { connectDatabase } from "#api/db/client.ts";
import { migrateDatabase } from "#api/db/migrate.ts";
import { deployAnchorRegistry } from "#scripts/deploy.ts";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { keptSigningKeyFile } from "#scripts/keptSecrets.ts";
import { startHardhatChain, type TestChain } from "./chains.ts";
import { startIndexer, type TestIndexer } from "./indexer.ts";
import { createDatabase, startTestPostgres } from "./postgres.ts";
import { type StartedProcess, startProcess } from "./process.ts";

export type StackOptions = {
  /** Default: Hardhat with a block every 200 ms. The stack stops it. */
  chain?: TestChain;
  /** Default: a PostgreSQL of the stack's own. A given one is not stopped. */
  postgres?: EmbeddedPostgres;
  /** How many workers to start; default 1. */
  workers?: number;
  /** Whether to start the indexer; default true. */
  indexer?: boolean;
  /** Settings of API and workers (api/src/config.ts) beside the stack's own, which are fast. */
  settings?: Record<string, string>;
};

export type TestStack = {
  apiUrl: string;
  /** GraphQL origin of the indexer; empty without one. */
  indexerUrl: string;
  rpcUrl: string;
  /** The database of the stack, as its owner. */
  databaseUrl: string;
  adminKey: string;
  chainId: number;
  contract: Hex;
  publisher: Hex;
  startBlock: number;
  chain: TestChain;
  postgres: EmbeddedPostgres;
  api: StartedProcess;
  workers: StartedProcess[];
  indexer: TestIndexer | null;
  /** Starts a worker, resolved when it is ready; settings may point it at proxies (DATABASE_URL, CHAIN_RPC_URL). */
  startWorker(settings?: Record<string, string>, options?: { ready?: boolean }): Promise<StartedProcess>;
  /** Starts an API process; resolved with its origin when it listens. */
  startApi(settings?: Record<string, string>): Promise<{ url: string; process: StartedProcess }>;
  startIndexer(): TestIndexer;
  stop(): Promise<void>;
};

/** The real thing on a database and a chain of its own: PostgreSQL, chain, contract, indexer, workers, API. */
export async function startStack(options: StackOptions = {}): Promise<TestStack> {
  const [postgres, chain] = await Promise.all([
    options.postgres ?? startTestPostgres(),
    options.chain ?? startHardhatChain({ mining: { intervalMs: 200 } }),
  ]);
  const databaseUrl = await createDatabase(postgres);
  const home = mkdtempSync(join(tmpdir(), "holdfast-stack-"));
  const [publisherAccount, deployerAccount] = chain.accounts;
  const transport = http(chain.rpcUrl);
  const [deployment] = await Promise.all([
    deployAnchorRegistry({
      publicClient: createPublicClient({ transport, pollingInterval: 50 }),
      walletClient: createWalletClient({
        account: privateKeyToAccount(deployerAccount!.privateKey),
        transport,
      }),
      deploymentsDir: home,
    }),
    migrateDatabase(databaseUrl),
  ]);
  const processes = new Set<StartedProcess>();
  const track = <P extends StartedProcess>(started: P): P => {
    processes.add(started);
    return started;
  };
  const indexedChain = {
    chainId: chain.chainId,
    rpcUrl: chain.rpcUrl,
    contractAddress: deployment.address,
    startBlock: deployment.startBlock,
  };
  const settings = {
    DATABASE_URL: databaseUrl,
    PUBLIC_RATE_LIMIT: "100000000",
    CHAIN_ID: String(chain.chainId),
    CHAIN_RPC_URL: chain.rpcUrl,
    CHAIN_CONTRACT_ADDRESS: deployment.address,
    CHAIN_PUBLISHER_PRIVATE_KEY: publisherAccount!.privateKey,
    CHAIN_CONFIRMATIONS: "2",
    RECEIPT_SIGNING_KEY_FILE: keptSigningKeyFile(join(home, "receipt-key.pem")),
    EXPORT_FOLDER: join(home, "exports"),
    MEDIA_FOLDER: join(home, "media"),
    SEAL_INTERVAL_MS: "200",
    PIPELINE_POLL_MS: "50",
    ...options.settings,
  };

  const startWorker: TestStack["startWorker"] = async (more = {}, { ready = true } = {}) => {
    const worker = track(startProcess("api/src/worker.ts", { env: { ...settings, ...more } }));
    if (ready) await worker.waitForLine(/"msg":"worker ready"/);
    return worker;
  };
  const startApi: TestStack["startApi"] = async (more = {}) => {
    const api = track(
      startProcess("api/src/server.ts", { env: { ...settings, PORT: "0", ...more }, ipc: true }),
    );
    const port = await new Promise<number>((resolve, reject) => {
      api.onMessage((message) => resolve((message as { listening: { port: number } }).listening.port));
      void api.exited.then(() => reject(new Error(`the API ended:\n${api.output()}`)));
    });
    return { url: `http://127.0.0.1:${port}`, process: api };
  };
  const startStackIndexer = () => track(startIndexer({ databaseUrl, chains: [indexedChain] }));

  const indexer = (options.indexer ?? true) ? startStackIndexer() : null;
  const workers = await Promise.all(Array.from({ length: options.workers ?? 1 }, () => startWorker()));
  const api = await startApi();
  const live = await indexer?.live();
  return {
    apiUrl: api.url,
    indexerUrl: live?.url ?? "",
    rpcUrl: chain.rpcUrl,
    databaseUrl,
    adminKey: await createStackKey(databaseUrl),
    chainId: chain.chainId,
    contract: deployment.address.toLowerCase() as Hex,
    publisher: publisherAccount!.address.toLowerCase() as Hex,
    startBlock: deployment.startBlock,
    chain,
    postgres,
    api: api.process,
    workers,
    indexer,
    startWorker,
    startApi,
    startIndexer: startStackIndexer,
    async stop() {
      await Promise.all([...processes].map((started) => started.stop()));
      await chain.stop();
      if (options.postgres === undefined) await postgres.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function createStackKey(databaseUrl: string): Promise<string> {
  const db = connectDatabase({
    url: databaseUrl,
    connectionsMax: 1,
    statementTimeoutMs: 10_000,
    onError: () => {},
  });
  try {
    return await createAdminKey(db, "Test operator", new Date());
  } finally {
    await db.pool.end();
  }
}
