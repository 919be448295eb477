import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import pg from "pg";
import { createPublicClient, createWalletClient, type Hex, http } from "viem";
import { mnemonicToAccount, privateKeyToAccount } from "viem/accounts";
import { apiKeySha256 } from "#api/accounts/apiKey.ts";
import { createAdminKey } from "#api/accounts/createAdminKey.ts";
import { connectDatabase } from "#api/db/client.ts";
import { grantAccess } from "#api/db/grantAccess.ts";
import { migrateDatabase } from "#api/db/migrate.ts";
import { deployAnchorRegistry } from "../deploy.ts";
import { startEmbeddedPostgres } from "../embeddedPostgres.ts";
import { freePort } from "./freePort.ts";
import { keptSecret, keptSigningKeyFile } from "./keptSecrets.ts";
import { readStackFile, removeStackFile, type StackFile, writeStackFile } from "./stackFile.ts";
import { type SupervisedProcess, superviseProcess } from "./supervisedProcess.ts";

export type StackOptions = {
  /** Keeps the database, keys, logs and stack.json. */
  home: string;
  /** Settings that were given, by name: those of the processes (docs/settings.md), which win over the stack's own. */
  settings: Record<string, string>;
  /** Ports that are taken when they are free. */
  ports: { api: number; indexer: number; rpc: number };
  /** One line of text a step. */
  onProgress: (text: string) => void;
};

export type Stack = StackFile & {
  /** Process ids by part; they change when a part is started again. */
  pids(): { api: number; worker: number; indexer: number };
  stop(): Promise<void>;
};

const API_ROLE = "holdfast_api";
const DATABASE_NAME = "holdfast";
/** The development chain's well-known accounts: worthless anywhere else. */
const DEVELOPMENT_MNEMONIC = "test test test test test test test test test test test junk";

/**
 * Starts everything in the order in which the parts need each other, and answers when a hash can go all the way. Whatever is
 * given in the settings (DATABASE_URL, REDIS_URL, CHAIN_*) is used instead of starting our own.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const home = resolve(options.home);
  mkdirSync(join(home, "logs"), { recursive: true, mode: 0o700 });
  const known = readStackFile(home);
  removeStackFile(home);
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    removeStackFile(home);
    for (const stopPart of stops.splice(0).reverse()) await stopPart();
  };
  try {
    const started = await startParts({ ...options, home }, known, (stopPart) => stops.push(stopPart));
    writeStackFile(home, started.file);
    return { ...started.file, pids: started.pids, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Home = StackOptions & { home: string };
type OnStop = (stopPart: () => Promise<unknown>) => void;
type Databases = { ownerUrl: string; apiUrl: string };
type ChainPart = {
  rpcUrl: string;
  chainId: number;
  contract: Hex;
  startBlock: number;
  publisherKey: Hex;
  isDevelopment: boolean;
};

async function startParts(options: Home, known: StackFile | null, onStop: OnStop) {
  const { settings, onProgress, home } = options;
  const databases = settings.DATABASE_URL
    ? { ownerUrl: settings.DATABASE_OWNER_URL ?? settings.DATABASE_URL, apiUrl: settings.DATABASE_URL }
    : await startDatabase(options, onStop);
  await migrateDatabase(databases.ownerUrl);
  const role = decodeURIComponent(new URL(databases.apiUrl).username);
  if (role !== decodeURIComponent(new URL(databases.ownerUrl).username))
    await grantAccess(databases.ownerUrl, role);
  onProgress("Database is up to date");
  const chain = settings.CHAIN_RPC_URL
    ? externalChain(settings)
    : await startDevelopmentChain(options, onStop);
  const indexer = await startIndexer(options, chain, databases, onStop);
  const worker = await startWorker(options, chain, databases, onStop);
  const api = await startApi(options, databases, onStop);
  const file: StackFile = {
    api: api.told,
    indexer: indexer.told,
    rpc: chain.rpcUrl,
    database: databases.apiUrl,
    chainId: chain.chainId,
    contract: chain.contract,
    publisher: privateKeyToAccount(chain.publisherKey).address.toLowerCase(),
    adminKey: await adminKey(databases.apiUrl, known?.adminKey),
  };
  return { file, pids: () => ({ api: api.pid, worker: worker.pid, indexer: indexer.pid }), home };
}

async function startDatabase({ home, onProgress }: Home, onStop: OnStop): Promise<Databases> {
  onProgress("Starting PostgreSQL");
  const server = await startEmbeddedPostgres({ dataDir: join(home, "postgres") });
  onStop(() => server.stop());
  const password = keptSecret(join(home, "api-role-password"));
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  try {
    const { rows } = await admin.query(
      "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS has_database, EXISTS (SELECT FROM pg_roles WHERE rolname = $2) AS has_role",
      [DATABASE_NAME, API_ROLE],
    );
    if (!rows[0].has_role) await admin.query(`CREATE ROLE ${API_ROLE} LOGIN`);
    await admin.query(`ALTER ROLE ${API_ROLE} PASSWORD ${pg.escapeLiteral(password)}`);
    if (!rows[0].has_database) await admin.query(`CREATE DATABASE ${DATABASE_NAME}`);
  } finally {
    await admin.end();
  }
  const ownerUrl = new URL(server.url);
  ownerUrl.pathname = `/${DATABASE_NAME}`;
  const apiUrl = new URL(ownerUrl);
  apiUrl.username = API_ROLE;
  apiUrl.password = password;
  return { ownerUrl: ownerUrl.href, apiUrl: apiUrl.href };
}

function externalChain(settings: Record<string, string>): ChainPart {
  const missing = ["CHAIN_ID", "CHAIN_CONTRACT_ADDRESS", "CHAIN_PUBLISHER_PRIVATE_KEY"].filter(
    (name) => !settings[name],
  );
  if (missing.length > 0)
    throw new Error(`CHAIN_RPC_URL is set, so these must be too: ${missing.join(", ")}`);
  return {
    rpcUrl: settings.CHAIN_RPC_URL!,
    chainId: Number(settings.CHAIN_ID),
    contract: settings.CHAIN_CONTRACT_ADDRESS as Hex,
    startBlock: Number(settings.CHAIN_START_BLOCK ?? 0),
    publisherKey: settings.CHAIN_PUBLISHER_PRIVATE_KEY as Hex,
    isDevelopment: false,
  };
}

async function startDevelopmentChain(options: Home, onStop: OnStop): Promise<ChainPart> {
  options.onProgress("Starting a development chain (Hardhat, a block a second)");
  const port = await freePort(options.ports.rpc);
  const chain = await superviseProcess({
    ...part(options, "chain", "scripts/devChain.ts"),
    args: ["--port", String(port)],
    env: baseEnvironment(),
    startedBy: ({ line }) => /"rpcUrl":"([^"]+)"/.exec(line ?? "")?.[1],
  });
  onStop(() => chain.stop());
  const account = (addressIndex: number) => mnemonicToAccount(DEVELOPMENT_MNEMONIC, { addressIndex });
  const transport = http(chain.told);
  const publicClient = createPublicClient({ transport, pollingInterval: 200 });
  const deployment = await deployAnchorRegistry({
    publicClient,
    walletClient: createWalletClient({ account: account(1), transport }),
    deploymentsDir: join(options.home, "deployments"),
    onProgress: options.onProgress,
  });
  const { privateKey } = account(0).getHdKey();
  return {
    rpcUrl: chain.told,
    chainId: deployment.chainId,
    contract: deployment.address,
    startBlock: deployment.startBlock,
    publisherKey: `0x${Buffer.from(privateKey!).toString("hex")}`,
    isDevelopment: true,
  };
}

async function startIndexer(
  options: Home,
  chain: ChainPart,
  databases: Databases,
  onStop: OnStop,
): Promise<SupervisedProcess> {
  options.onProgress("Starting the indexer (Ponder)");
  const indexed = [
    {
      chainId: chain.chainId,
      rpcUrl: chain.rpcUrl,
      contractAddress: chain.contract,
      startBlock: chain.startBlock,
      ...(chain.isDevelopment ? { pollingIntervalMs: 250, disposable: true } : {}),
    },
  ];
  const indexer = await superviseProcess({
    ...part(options, "indexer", "scripts/indexer.ts"),
    env: {
      ...baseEnvironment(),
      INDEXER_CHAINS: JSON.stringify(indexed),
      INDEXER_DATABASE_URL: databases.ownerUrl,
      INDEXER_PORT: String(await freePort(options.ports.indexer)),
      ...(options.settings.DATABASE_URL ? {} : { INDEXER_READER_ROLE: API_ROLE }),
      ...options.settings,
    },
    startedBy: ({ message }) => {
      const live = message as { type?: string; url?: string };
      return live?.type === "indexer.live" ? live.url : undefined;
    },
  });
  onStop(() => indexer.stop());
  return indexer;
}

async function startWorker(
  options: Home,
  chain: ChainPart,
  databases: Databases,
  onStop: OnStop,
): Promise<SupervisedProcess> {
  options.onProgress("Starting a worker");
  const development = {
    CHAIN_NAME: "development",
    CHAIN_CONFIRMATIONS: "2",
    SEAL_INTERVAL_MS: "1000",
    PIPELINE_POLL_MS: "200",
  };
  const worker = await superviseProcess({
    ...part(options, "worker", "api/src/worker.ts"),
    env: {
      ...baseEnvironment(),
      DATABASE_URL: databases.apiUrl,
      CHAIN_ID: String(chain.chainId),
      CHAIN_RPC_URL: chain.rpcUrl,
      CHAIN_CONTRACT_ADDRESS: chain.contract,
      CHAIN_PUBLISHER_PRIVATE_KEY: chain.publisherKey,
      RECEIPT_SIGNING_KEY_FILE: keptSigningKeyFile(join(options.home, "receipt-key.pem")),
      ...(chain.isDevelopment ? development : {}),
      ...options.settings,
    },
    startedBy: ({ line }) => (line?.includes('"msg":"worker ready"') ? "ready" : undefined),
  });
  onStop(() => worker.stop());
  return worker;
}

async function startApi(options: Home, databases: Databases, onStop: OnStop): Promise<SupervisedProcess> {
  options.onProgress("Starting the API");
  const port = options.settings.PORT ? Number(options.settings.PORT) : await freePort(options.ports.api);
  const url = `http://127.0.0.1:${port}`;
  // A development stack is one address behind which everybody and every test stands: a hundred times the usual limit.
  const development: Record<string, string> = options.settings.CHAIN_RPC_URL
    ? {}
    : { PUBLIC_RATE_LIMIT: "60000" };
  const { CHAIN_PUBLISHER_PRIVATE_KEY: _notForTheApi, ...settings } = options.settings;
  const api = await superviseProcess({
    ...part(options, "api", "api/src/server.ts"),
    env: {
      ...baseEnvironment(),
      DATABASE_URL: databases.apiUrl,
      PUBLIC_URL: url,
      ...development,
      ...settings,
      PORT: String(port),
    },
    startedBy: ({ message }) => ((message as { listening?: object })?.listening ? url : undefined),
  });
  onStop(() => api.stop());
  return api;
}

/** The key that was handed out before, while it is good, or a new one. */
async function adminKey(databaseUrl: string, known: string | undefined): Promise<string> {
  const db = connectDatabase({
    url: databaseUrl,
    connectionsMax: 2,
    statementTimeoutMs: 10_000,
    onError: () => {},
  });
  try {
    if (known !== undefined) {
      const { rows } = await db.pool.query(
        "SELECT 1 FROM app.api_keys WHERE key_sha256 = $1 AND revoked_at IS NULL",
        [apiKeySha256(known)],
      );
      if (rows.length > 0) return known;
    }
    return await createAdminKey(db, "Operator", new Date());
  } finally {
    await db.pool.end();
  }
}

function part({ home, onProgress }: Home, name: string, script: string) {
  return {
    name,
    script,
    logFile: join(home, "logs", `${name}.log`),
    onRestart: (ended: string, code: number | null) =>
      onProgress(
        `${ended} ended with code ${code}; starting it again (log: ${join(home, "logs", `${ended}.log`)})`,
      ),
  };
}

/** What every process needs of the environment; settings come beside it. */
function baseEnvironment(): Record<string, string> {
  const { PATH = "", HOME = "" } = process.env;
  return { PATH, HOME, NODE_ENV: "production" };
}
