import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { bytesToHex, type Hex } from "viem";
import { mnemonicToAccount } from "viem/accounts";

/** "auto": a block per transaction. "manual": only when told to (evm_mine). Or a block every `intervalMs` milliseconds. */
export type Mining = "auto" | "manual" | { intervalMs: number };

export type ChainAccount = { address: Hex; privateKey: Hex };

/** A chain in a process of its own that ends with the test process at the latest. */
export type TestChain = {
  /** Which EVM implementation; also viem's test client mode. */
  name: "hardhat" | "anvil";
  rpcUrl: string;
  chainId: number;
  /** Ten accounts with 10,000 ether each, the same on both implementations. */
  accounts: readonly ChainAccount[];
  stop(): Promise<void>;
};

const developmentChainId = 31337;
const developmentMnemonic = "test test test test test test test test test test test junk";
const startDeadlineMs = 60_000;

/** Starts Hardhat's simulated chain (EDR) on a free port. */
export async function startHardhatChain({
  mining = "auto",
  args = [],
}: {
  mining?: Mining;
  /** Further options of scripts/devChain.ts. */
  args?: readonly string[];
} = {}): Promise<TestChain> {
  const script = path.join(import.meta.dirname, "../../scripts/devChain.ts");
  const argument = typeof mining === "string" ? mining : String(mining.intervalMs);
  return startChain("hardhat", script, ["--mining", argument, ...args], /"rpcUrl":"(http:[^"]+)"/);
}

/** Starts anvil (Foundry) on a free port. */
export async function startAnvilChain({
  mining = "auto",
  chainId = developmentChainId,
  hardfork,
}: {
  mining?: Mining;
  chainId?: number;
  /** By anvil's name; default: its newest. */
  hardfork?: string;
} = {}): Promise<TestChain> {
  const script = path.join(import.meta.dirname, "anvilProcess.ts");
  const argumentsOf = { auto: [], manual: ["--no-mining"] };
  const miningArguments =
    typeof mining === "string" ? argumentsOf[mining] : ["--block-time", String(mining.intervalMs / 1000)];
  const forkArguments = hardfork === undefined ? [] : ["--hardfork", hardfork];
  const args = ["--port", "0", "--chain-id", String(chainId), ...forkArguments, ...miningArguments];
  return { ...(await startChain("anvil", script, args, /Listening on (\S+)/)), chainId };
}

async function startChain(
  name: TestChain["name"],
  script: string,
  args: readonly string[],
  listening: RegExp,
): Promise<TestChain> {
  const child = fork(script, args, { stdio: ["ignore", "pipe", "inherit", "ipc"], execArgv: [] });
  const endpoint = await firstMatch(child, listening);
  return {
    name,
    rpcUrl: endpoint.startsWith("http") ? endpoint : `http://${endpoint}`,
    chainId: developmentChainId,
    accounts: developmentAccounts(),
    stop: () => stopProcess(child),
  };
}

/** The first group of the first line of output that matches; output goes on being read, so that the child never blocks. */
async function firstMatch(child: ChildProcess, pattern: RegExp): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const deadline = setTimeout(() => reject(new Error("the chain did not start in time")), startDeadlineMs);
  createInterface({ input: child.stdout! }).on("line", (line) => {
    const endpoint = pattern.exec(line)?.[1];
    if (endpoint !== undefined) resolve(endpoint);
  });
  child.once("error", reject);
  child.once("exit", (exitCode) => reject(new Error(`the chain ended with exit code ${exitCode}`)));
  try {
    return await promise;
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

let accounts: readonly ChainAccount[] | undefined;

/** The same in each process, for their mnemonic is well known. */
export function developmentAccounts(): readonly ChainAccount[] {
  accounts ??= Array.from({ length: 10 }, (_, addressIndex) => {
    const account = mnemonicToAccount(developmentMnemonic, { addressIndex });
    return { address: account.address, privateKey: bytesToHex(account.getHdKey().privateKey!) };
  });
  return accounts;
}
