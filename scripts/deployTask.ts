import path from "node:path";
import { HardhatPluginError } from "hardhat/plugins";
import type { HttpNetworkAccountsConfig } from "hardhat/types/config";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { formatEther, isHash } from "viem";
import { deployAnchorRegistry } from "./deploy.ts";
import { DeployError } from "./deployError.ts";

/** Hardhat task `deploy`: `npx hardhat deploy --network live`, with RPC_URL and DEPLOYER_PRIVATE_KEY set. */
export default async function deployTask(
  { deploymentsDir }: { deploymentsDir: string },
  hre: HardhatRuntimeEnvironment,
): Promise<void> {
  const { viem, networkConfig } = await hre.network.create();
  if (networkConfig.type !== "http") {
    throw new HardhatPluginError(
      "deploy",
      "This network ends with the command. Name a lasting one: --network live",
    );
  }
  await requirePrivateKeys(networkConfig.accounts);
  const publicClient = await viem.getPublicClient();
  const [walletClient] = await viem.getWalletClients();
  if (walletClient === undefined)
    throw new HardhatPluginError("deploy", "The network has no account to pay with.");
  const { address } = walletClient.account;
  const balanceWei = await publicClient.getBalance({ address });
  console.log(
    `Chain ${await publicClient.getChainId()}, paid for by ${address} (${formatEther(balanceWei)} ether)`,
  );
  const record = await deployAnchorRegistry({
    publicClient,
    walletClient,
    deploymentsDir: path.resolve(hre.config.paths.root, deploymentsDir),
    onProgress: (text) => console.log(text),
  }).catch(explainBriefly);
  console.log(`AnchorRegistry is at ${record.address} from block ${record.startBlock} on, recorded in`);
  console.log(path.join(deploymentsDir, `${record.chainId}.json`));
}

async function requirePrivateKeys(accounts: HttpNetworkAccountsConfig): Promise<void> {
  if (!Array.isArray(accounts)) return;
  for (const account of accounts) {
    if (isHash(await account.getHexString())) continue;
    throw new HardhatPluginError(
      "deploy",
      "DEPLOYER_PRIVATE_KEY is not a private key: expected 0x and 64 hex digits.",
    );
  }
}

/** Hardhat prints the message of its own errors without a stack trace. */
function explainBriefly(error: unknown): never {
  if (error instanceof DeployError) throw new HardhatPluginError("deploy", error.message, error);
  throw error;
}
