import { join } from "node:path";
import { createPublicClient, createWalletClient, type Hex, http } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { deployAnchorRegistry } from "../deploy.ts";
import type { DeploymentRecord } from "../deployRecord.ts";
import { freePort } from "./freePort.ts";
import { baseEnvironment } from "./processSettings.ts";
import type { StackStart } from "./stackOptions.ts";
import { startPart } from "./startPart.ts";
import { unlessAborted } from "./unlessAborted.ts";

export type ChainPart = {
  rpcUrl: string;
  chainId: number;
  contract: Hex;
  startBlock: number;
  publisherKey: Hex;
  isDevelopment: boolean;
  /** Process id; undefined for a chain that runs elsewhere. */
  pid: () => number | undefined;
};

/** The development chain's well-known accounts: worthless anywhere else. */
const DEVELOPMENT_MNEMONIC = "test test test test test test test test test test test junk";

/** The given chain, or a development chain of the stack's own with the contract on it. */
export async function openChain(start: StackStart): Promise<ChainPart> {
  const { settings } = start;
  if (settings.CHAIN_RPC_URL) return externalChain(settings);
  const alone = [...OF_EXTERNAL_CHAIN, "CHAIN_START_BLOCK"].filter((name) => settings[name]);
  if (alone.length > 0)
    throw new Error(`${alone.join(", ")} without CHAIN_RPC_URL: set it too, or none of them`);
  return startDevelopmentChain(start);
}

const OF_EXTERNAL_CHAIN = ["CHAIN_ID", "CHAIN_CONTRACT_ADDRESS", "CHAIN_PUBLISHER_PRIVATE_KEY"];

function externalChain(settings: Record<string, string>): ChainPart {
  const missing = OF_EXTERNAL_CHAIN.filter((name) => !settings[name]);
  if (missing.length > 0)
    throw new Error(`CHAIN_RPC_URL is set, so these must be too: ${missing.join(", ")}`);
  const startBlock = settings.CHAIN_START_BLOCK ?? "0";
  if (!/^(0|[1-9]\d{0,14})$/.test(startBlock)) throw new Error("CHAIN_START_BLOCK is no block number");
  return {
    rpcUrl: settings.CHAIN_RPC_URL!,
    chainId: Number(settings.CHAIN_ID),
    contract: settings.CHAIN_CONTRACT_ADDRESS as Hex,
    startBlock: Number(startBlock),
    publisherKey: settings.CHAIN_PUBLISHER_PRIVATE_KEY as Hex,
    isDevelopment: false,
    pid: () => undefined,
  };
}

async function startDevelopmentChain(start: StackStart): Promise<ChainPart> {
  start.onProgress("Starting a development chain (Hardhat, a block a second)");
  const chain = await startPart(start, {
    name: "chain",
    script: "scripts/devChain.ts",
    args: ["--port", String(await freePort(start.ports.rpc))],
    env: baseEnvironment(),
    startedBy: ({ line }) => /"rpcUrl":"([^"]+)"/.exec(line ?? "")?.[1],
    // It lives in memory and came back empty; what the contract held the workers anchor again by themselves.
    afterRestart: (rpcUrl) =>
      deployTo(rpcUrl, start).then(
        () => start.onProgress("The development chain began anew; the contract is on it again"),
        (error: Error) => start.onFailure(`The contract could not be deployed again: ${error.message}`),
      ),
  });
  const { chainId, address } = await unlessAborted(start.signal, deployTo(chain.told, start));
  const { privateKey } = mnemonicToAccount(DEVELOPMENT_MNEMONIC).getHdKey();
  return {
    rpcUrl: chain.told,
    chainId,
    contract: address,
    // After a restart the contract may stand in an earlier block than before.
    startBlock: 0,
    publisherKey: `0x${Buffer.from(privateKey!).toString("hex")}`,
    isDevelopment: true,
    pid: () => chain.pid,
  };
}

function deployTo(rpcUrl: string, { home, onProgress }: StackStart): Promise<DeploymentRecord> {
  const transport = http(rpcUrl);
  const account = mnemonicToAccount(DEVELOPMENT_MNEMONIC, { addressIndex: 1 });
  return deployAnchorRegistry({
    publicClient: createPublicClient({ transport, pollingInterval: 200 }),
    walletClient: createWalletClient({ account, transport }),
    deploymentsDir: join(home, "deployments"),
    onProgress,
  });
}
