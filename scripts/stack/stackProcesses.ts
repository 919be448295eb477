import { join } from "node:path";
import { SETTINGS } from "#api/config.ts";
import { keptSecret, keptSigningKeyFile } from "../keptSecrets.ts";
import { freePort } from "./freePort.ts";
import { baseEnvironment, environmentOf, READ_BY } from "./processSettings.ts";
import type { ChainPart } from "./stackChain.ts";
import { API_ROLE, type Databases } from "./stackDatabase.ts";
import type { StackStart } from "./stackOptions.ts";
import { startPart } from "./startPart.ts";
import type { SupervisedProcess } from "./supervisedProcess.ts";

export async function startIndexer(
  start: StackStart,
  chain: ChainPart,
  databases: Databases,
): Promise<SupervisedProcess> {
  start.onProgress("Starting the indexer (Ponder)");
  const indexed = [
    {
      chainId: chain.chainId,
      rpcUrl: chain.rpcUrl,
      contractAddress: chain.contract,
      startBlock: chain.startBlock,
      ...(chain.isDevelopment ? { pollingIntervalMs: 250, disposable: true } : {}),
    },
  ];
  return startPart(start, {
    name: "indexer",
    script: "scripts/indexer.ts",
    env: {
      ...baseEnvironment(),
      INDEXER_CHAINS: JSON.stringify(indexed),
      INDEXER_DATABASE_URL: databases.ownerUrl,
      INDEXER_PORT: String(await freePort(start.ports.indexer)),
      ...(start.settings.DATABASE_URL ? {} : { INDEXER_READER_ROLE: API_ROLE }),
    },
    startedBy: ({ message }) => {
      const live = message as { type?: string; url?: string };
      return live?.type === "indexer.live" ? live.url : undefined;
    },
  });
}

/** One for the API and the worker. */
const exportFolder = (start: StackStart) => join(start.home, "exports");
const mediaFolder = (start: StackStart) => join(start.home, "media");

export async function startWorker(
  start: StackStart,
  chain: ChainPart,
  databases: Databases,
): Promise<SupervisedProcess> {
  start.onProgress("Starting a worker");
  const development = {
    CHAIN_NAME: "development",
    CHAIN_CONFIRMATIONS: "2",
    SEAL_INTERVAL_MS: "1000",
    PIPELINE_POLL_MS: "200",
  };
  return startPart(start, {
    name: "worker",
    script: "api/src/worker.ts",
    env: environmentOf(READ_BY.worker, {
      DATABASE_URL: databases.apiUrl,
      CHAIN_ID: String(chain.chainId),
      CHAIN_RPC_URL: chain.rpcUrl,
      CHAIN_CONTRACT_ADDRESS: chain.contract,
      CHAIN_PUBLISHER_PRIVATE_KEY: chain.publisherKey,
      CHAIN_KEY_ENCRYPTION_SECRET: chainKeyEncryptionSecret(start),
      RECEIPT_SIGNING_KEY_FILE: keptSigningKeyFile(join(start.home, "receipt-key.pem")),
      EXPORT_FOLDER: exportFolder(start),
      MEDIA_FOLDER: mediaFolder(start),
      ...(chain.isDevelopment ? development : {}),
      ...start.settings,
    }),
    startedBy: ({ line }) => (line?.includes('"msg":"worker ready"') ? "ready" : undefined),
  });
}

export async function startApi(
  start: StackStart,
  chain: ChainPart,
  databases: Databases,
): Promise<SupervisedProcess> {
  start.onProgress("Starting the API");
  const { settings } = start;
  const port = settings.PORT === undefined ? await freePort(start.ports.api) : await givenPort(settings.PORT);
  const url = `http://${hostIn(settings.HOST)}:${port}`;
  return startPart(start, {
    name: "api",
    script: "api/src/server.ts",
    env: environmentOf(READ_BY.api, {
      DATABASE_URL: databases.apiUrl,
      PUBLIC_URL: url,
      CHAIN_KEY_ENCRYPTION_SECRET: chainKeyEncryptionSecret(start),
      EXPORT_FOLDER: exportFolder(start),
      MEDIA_FOLDER: mediaFolder(start),
      ...(chain.isDevelopment ? developmentLimits() : {}),
      ...settings,
      PORT: String(port),
    }),
    startedBy: ({ message }) => ((message as { listening?: object })?.listening ? url : undefined),
  });
}

/** What is wrong with another text the API itself says. */
async function givenPort(text: string): Promise<number | string> {
  return Number(text) === 0 ? freePort(0) : text;
}

/** Where the API is reached from this machine when it listens on that address. */
function hostIn(host = "127.0.0.1"): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** The API seals keys of chains with it, and the worker opens them. */
function chainKeyEncryptionSecret({ home }: StackStart): string {
  return keptSecret(join(home, "chain-key-encryption-secret"));
}

/** A development stack is one address behind which everybody and every test stands: a hundred times the usual limits. */
function developmentLimits(): Record<string, string> {
  const perAddress = [
    "PUBLIC_RATE_LIMIT",
    "AUTH_RATE_LIMIT",
    "SIGN_UP_RATE_LIMIT",
    "LOGIN_RATE_LIMIT",
    "LOGIN_STRANGERS_RATE_LIMIT",
  ] as const;
  return Object.fromEntries(perAddress.map((name) => [name, String(100 * Number(SETTINGS[name].default))]));
}
