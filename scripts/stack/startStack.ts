import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { privateKeyToAccount } from "viem/accounts";
import { openChain } from "./stackChain.ts";
import { bringUpToDate, keptAdminKey, openDatabase } from "./stackDatabase.ts";
import { removeStackFile, type StackFile, writeStackFile } from "./stackFile.ts";
import type { StackOptions, StackStart } from "./stackOptions.ts";
import { startApi, startIndexer, startWorker } from "./stackProcesses.ts";
import { unlessAborted } from "./unlessAborted.ts";

export type Stack = StackFile & {
  /** Process ids by part; they change when a part is started again. The chain is undefined when it runs elsewhere. */
  pids(): { api: number; worker: number; indexer: number; chain: number | undefined };
  stop(): Promise<void>;
};

/**
 * Starts everything in the order in which the parts need each other, and answers when a hash can go all the way. Whatever is
 * given in the settings (DATABASE_URL, REDIS_URL, CHAIN_*) is used instead of starting our own.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const home = resolve(options.home);
  mkdirSync(join(home, "logs"), { recursive: true, mode: 0o700 });
  const stops: (() => Promise<unknown>)[] = [];
  const stopParts = async () => {
    for (const stopPart of stops.splice(0).reverse()) await stopPart();
  };
  try {
    const { file, pids } = await startParts({ ...options, home, onStop: (part) => stops.push(part) });
    options.signal.throwIfAborted();
    writeStackFile(home, file);
    const stop = () => {
      removeStackFile(home);
      return stopParts();
    };
    return { ...file, pids, stop };
  } catch (error) {
    await stopParts();
    throw error;
  }
}

async function startParts(start: StackStart): Promise<{ file: StackFile; pids: Stack["pids"] }> {
  const { home, signal, onProgress } = start;
  const databases = await openDatabase(start);
  // Only now it is ours: until here a stack that runs in the same home would lose the file that describes it.
  removeStackFile(home);
  await unlessAborted(signal, bringUpToDate(databases));
  onProgress("Database is up to date");
  const chain = await openChain(start);
  const indexer = await startIndexer(start, chain, databases);
  const worker = await startWorker(start, chain, databases);
  const api = await startApi(start, chain, databases);
  const file: StackFile = {
    api: api.told,
    indexer: indexer.told,
    rpc: chain.rpcUrl,
    database: databases.apiUrl,
    chainId: chain.chainId,
    contract: chain.contract,
    publisher: privateKeyToAccount(chain.publisherKey).address.toLowerCase(),
    adminKey: await unlessAborted(signal, keptAdminKey(databases.apiUrl, join(home, "admin-key"))),
    webhookAllowLoopback: start.settings.WEBHOOK_ALLOW_LOOPBACK === "1",
  };
  const pids = () => ({ api: api.pid, worker: worker.pid, indexer: indexer.pid, chain: chain.pid() });
  return { file, pids };
}
