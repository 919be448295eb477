import {
  type Account,
  BaseError,
  type Chain,
  keccak256,
  type PublicClient,
  parseEther,
  parseGwei,
  type Transport,
  type WalletClient,
} from "viem";
import { DeployError, isLackOfFunds } from "./deployError.ts";

/** A wallet with an account that pays for gas. */
export type DeployerClient = WalletClient<Transport, Chain | undefined, Account>;

/** What a deployment talks through, and where it tells how far it is. */
export type DeployContext = {
  publicClient: PublicClient;
  walletClient: DeployerClient;
  onProgress: (text: string) => void;
};

// Source: https://github.com/Arachnid/deterministic-deployment-proxy. The transaction was made without a key, by choosing its
// signature, so it is the same on every chain, and so is the address of what it creates.
export const deploymentProxy = "0x4e59b44847b379578588920cA78FbF26c0B4956C";
export const keylessSigner = "0x3fAB184622Dc19b6109349B94811493BF2a45362";
const keylessGasPriceWei = parseGwei("100");
export const keylessCostWei = parseEther("0.01");
export const keylessTransaction =
  "0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222";

/**
 * Puts the canonical deployment proxy on a chain that lacks it. Most public chains have it.
 * @throws {DeployError} `proxyRefused` when the chain does not take the keyless transaction.
 */
export async function ensureDeploymentProxy(context: DeployContext): Promise<void> {
  const { publicClient, onProgress } = context;
  if (await hasProxy(publicClient)) return;
  onProgress(`The chain has no deployment proxy at ${deploymentProxy} yet: putting it there`);
  const { baseFeePerGas } = await publicClient.getBlock();
  if ((baseFeePerGas ?? 0n) > keylessGasPriceWei) throw refused("gas costs more than the 100 gwei it offers");
  // Offered before it is paid for: what is sent to the signer of a transaction that the chain refuses is lost.
  if (!(await offerKeylessTransaction(publicClient))) {
    await fundKeylessSigner(context);
    await offerKeylessTransaction(publicClient);
  }
  if (!(await hasProxy(publicClient))) throw refused("it was sent and created nothing");
}

async function hasProxy(publicClient: PublicClient): Promise<boolean> {
  return (await publicClient.getCode({ address: deploymentProxy })) !== undefined;
}

/** Sends the keyless transaction and waits for it; false when its sender cannot pay. */
async function offerKeylessTransaction(publicClient: PublicClient): Promise<boolean> {
  try {
    await publicClient.sendRawTransaction({ serializedTransaction: keylessTransaction });
  } catch (error) {
    if (isLackOfFunds(error)) return false;
    const text = error instanceof BaseError ? error.details : String(error);
    // Anybody may send it: these mean that somebody did. "unknown transaction type" is a refusal.
    if (!/\b(already ?)?known\b|nonce too low/i.test(text)) throw refused(text, error);
  }
  await publicClient.waitForTransactionReceipt({ hash: keccak256(keylessTransaction) });
  return true;
}

async function fundKeylessSigner({ publicClient, walletClient }: DeployContext): Promise<void> {
  const balanceWei = await publicClient.getBalance({ address: keylessSigner });
  if (balanceWei >= keylessCostWei) return;
  const value = keylessCostWei - balanceWei;
  const hash = await walletClient.sendTransaction({ chain: null, to: keylessSigner, value });
  await publicClient.waitForTransactionReceipt({ hash });
}

function refused(reason: string, cause?: unknown): DeployError {
  return new DeployError(
    "proxyRefused",
    `The chain did not take the transaction that creates the deployment proxy ${deploymentProxy}: ${reason}
It is a transaction from before EIP-155, at 100 gwei. Ask the chain's operator to put the proxy there, or send it through a
node that accepts unprotected transactions (geth: --rpc.allow-unprotected-txs) while gas is cheaper; then deploy again.`,
    { cause },
  );
}
