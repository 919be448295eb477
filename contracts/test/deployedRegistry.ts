import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createTestClient,
  createWalletClient,
  getContract,
  type Hex,
  http,
  keccak256,
  numberToHex,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import { deployAnchorRegistry } from "#scripts/deploy.ts";
import type { TestChain } from "#test/support/chains.ts";

/** The contract, deployed as it is in production, on a chain that mines a block per transaction. */
export type DeployedRegistry = Awaited<ReturnType<typeof deployRegistry>>;

export async function deployRegistry(chain: TestChain) {
  const transport = http(chain.rpcUrl, { retryCount: 0 });
  const publicClient = createPublicClient({ transport, pollingInterval: 20, cacheTime: 0 });
  const testClient = createTestClient({ transport, mode: chain.name });
  const walletOf = (account: number) =>
    createWalletClient({ transport, account: privateKeyToAccount(chain.accounts[account]!.privateKey) });

  const deploymentsDir = await mkdtemp(path.join(tmpdir(), "deployments-"));
  const { address } = await deployAnchorRegistry({ publicClient, walletClient: walletOf(9), deploymentsDir });
  await rm(deploymentsDir, { recursive: true });

  const contract = getContract({ address, abi: anchorRegistryAbi, client: publicClient });
  /** Sends a call of the contract in an account's name, and waits for its receipt. */
  const send = async (account: number, data: Hex) => {
    const hash = await walletOf(account).sendTransaction({ chain: null, to: address, data });
    return publicClient.waitForTransactionReceipt({ hash });
  };
  return { chain, publicClient, testClient, walletOf, address, contract, send };
}

/** A root of its own for each number, the same in every run. */
export function rootNumber(number: number): Hex {
  return keccak256(numberToHex(number));
}

/** Name and values of the custom error with which a call is refused. */
export async function refusalOf(
  call: Promise<unknown>,
): Promise<{ errorName: string; args: unknown } | null> {
  try {
    await call;
    return null;
  } catch (error) {
    if (!(error instanceof BaseError)) throw error;
    const refusal = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
    if (!(refusal instanceof ContractFunctionRevertedError) || refusal.data === undefined) throw error;
    return { errorName: refusal.data.errorName, args: refusal.data.args };
  }
}
