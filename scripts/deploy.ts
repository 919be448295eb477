import path from "node:path";
import { setTimeout } from "node:timers/promises";
import {
  type Address,
  BaseError,
  concatHex,
  ExecutionRevertedError,
  getCreate2Address,
  type Hex,
  HttpRequestError,
  keccak256,
  stringToHex,
  TimeoutError,
} from "viem";
import { anchorRegistryInitCode } from "../contracts/anchorRegistryInitCode.ts";
import { DeployError, isLackOfFunds } from "./deployError.ts";
import { type DeployContext, deploymentProxy, ensureDeploymentProxy } from "./deployProxy.ts";
import { type DeploymentRecord, findDeploymentRecord, writeDeploymentRecord } from "./deployRecord.ts";
import { findCreation, isCreationOnChain } from "./deployStartBlock.ts";

const salt = stringToHex("AnchorRegistry/1", { size: 32 });
const initCodeHash = keccak256(anchorRegistryInitCode);
const pendingDeadlineMs = 180_000;
/** What the deployment proxy is sent to create the contract. */
export const creationInput: Hex = concatHex([salt, anchorRegistryInitCode]);

/** The contract's address on every chain (CREATE2 through the canonical deployment proxy). */
export function addressOfInitCode(initCode: Hex): Address {
  return getCreate2Address({ from: deploymentProxy, salt, bytecodeHash: keccak256(initCode) });
}

/** Where this release's contract is. */
export const anchorRegistryAddress: Address = addressOfInitCode(anchorRegistryInitCode);

/** `deployments/` of this repository. */
export const defaultDeploymentsDir: string = path.join(import.meta.dirname, "../deployments");

type DeployArguments = Omit<DeployContext, "onProgress"> & {
  deploymentsDir?: string;
  /** Told one line of text per step. */
  onProgress?: DeployContext["onProgress"];
};

/**
 * Makes sure that the contract is on the chain and that `<deploymentsDir>/<chainId>.json` says where.
 *
 * Safe to repeat, and to run by several at once: a contract that is there already, whoever put it there, is found and recorded,
 * and a record of a chain that was reset is replaced.
 * @throws {DeployError} when a person has to do something first; its message says what.
 */
export async function deployAnchorRegistry({
  deploymentsDir = defaultDeploymentsDir,
  onProgress = () => {},
  ...clients
}: DeployArguments): Promise<DeploymentRecord> {
  const context = { ...clients, onProgress };
  try {
    const chainId = await requireSameChain(context);
    const known = await findDeploymentRecord(deploymentsDir, chainId);
    if (await isDeployed(context)) {
      if (known !== null && (await stillStands(context, known))) return known;
      onProgress("The contract is on the chain: looking for the block it appeared in");
    } else {
      await ensureDeploymentProxy(context);
      await createContract(context);
    }
    const record = { chainId, ...(await locateContract(context)) };
    // Only what the chain has is written. If we stop before this line, the next run finds the contract and writes the same.
    await writeDeploymentRecord(deploymentsDir, record);
    return record;
  } catch (error) {
    throw explainFailure(error, clients.walletClient.account.address);
  }
}

async function requireSameChain({ publicClient, walletClient }: DeployContext): Promise<number> {
  const [chainId, walletChainId] = await Promise.all([publicClient.getChainId(), walletClient.getChainId()]);
  if (chainId === walletChainId) return chainId;
  throw new DeployError(
    "chainMismatch",
    `The wallet is on chain ${walletChainId}, the RPC on chain ${chainId}.`,
  );
}

async function isDeployed({ publicClient }: DeployContext, blockTag?: "pending"): Promise<boolean> {
  return (await publicClient.getCode({ address: anchorRegistryAddress, blockTag })) !== undefined;
}

async function stillStands({ publicClient }: DeployContext, record: DeploymentRecord): Promise<boolean> {
  if (record.address !== anchorRegistryAddress || record.initCodeHash !== initCodeHash) return false;
  return isCreationOnChain({ publicClient, address: anchorRegistryAddress }, record);
}

async function createContract(context: DeployContext): Promise<void> {
  const { publicClient, walletClient, onProgress } = context;
  try {
    onProgress(`Creating the contract at ${anchorRegistryAddress}`);
    const hash = await walletClient.sendTransaction({
      chain: null,
      to: deploymentProxy,
      data: creationInput,
    });
    onProgress(`Waiting for transaction ${hash}`);
    await publicClient.waitForTransactionReceipt({ hash });
  } catch (error) {
    // Somebody else's transaction may have come first, or wait to be mined: nodes estimate gas on top of what is pending.
    if (!(await isDeployed(context, "pending"))) throw explainRevert(error);
    await untilDeployed(context);
  }
  if (!(await isDeployed(context))) throw refused();
}

async function untilDeployed(context: DeployContext): Promise<void> {
  const deadline = Date.now() + pendingDeadlineMs;
  while (!(await isDeployed(context)) && Date.now() < deadline)
    await setTimeout(context.publicClient.pollingInterval);
}

function explainRevert(error: unknown): unknown {
  const isRevert =
    error instanceof BaseError && error.walk((cause) => cause instanceof ExecutionRevertedError);
  return isRevert ? refused(error) : error;
}

function refused(cause?: unknown): DeployError {
  return new DeployError(
    "deploymentRefused",
    `The chain creates nothing at ${anchorRegistryAddress}. The contract needs an EVM of the Cancun upgrade or later.`,
    { cause },
  );
}

async function locateContract({
  publicClient,
  onProgress,
}: DeployContext): Promise<Omit<DeploymentRecord, "chainId">> {
  const address = anchorRegistryAddress;
  const creation = await findCreation({
    publicClient,
    address,
    creationTarget: deploymentProxy,
    creationInput,
  });
  if (creation.startBlock === 0) {
    onProgress(
      "The node no longer knows when the contract appeared: recording block 0. An archive node would tell.",
    );
  }
  return { address, ...creation, initCodeHash };
}

function explainFailure(error: unknown, deployer: Address): unknown {
  if (!(error instanceof BaseError)) return error;
  if (isLackOfFunds(error)) {
    const message = `${deployer} cannot pay for the deployment. Send it funds on this chain, then deploy again.`;
    return new DeployError("insufficientFunds", message, { cause: error });
  }
  const isUnreachable = (cause: unknown) =>
    cause instanceof HttpRequestError || cause instanceof TimeoutError;
  if (error.walk(isUnreachable) === null) return error;
  const message = "The RPC does not answer. Check its URL and that the node runs, then deploy again.";
  return new DeployError("rpcUnreachable", message, { cause: error });
}
