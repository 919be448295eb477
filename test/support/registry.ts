import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type Address,
  createPublicClient,
  createTestClient,
  createWalletClient,
  type Hex,
  http,
  keccak256,
  type TransactionReceipt,
  toHex,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import { deployAnchorRegistry } from "#scripts/deploy.ts";
import type { TestChain } from "./chains.ts";

/** The contract on a test chain, and a publisher who anchors there. */
export type TestRegistry = {
  address: Address;
  startBlock: number;
  publisher: Address;
  publicClient: ReturnType<typeof createPublicClient>;
  testClient: ReturnType<typeof createTestClient>;
  /** Anchors `root` (default: one that was never used) as `account` (default 0). */
  anchor(options?: {
    root?: Hex;
    leafCount?: number;
    account?: number;
  }): Promise<{ root: Hex; receipt: TransactionReceipt }>;
  /** Mines blocks one by one: hardhat_mine makes blocks whose parent hash is zero, which no indexer can follow. */
  mine(blocks: number): Promise<void>;
};

let rootsMade = 0;
const unusedRoot = () => keccak256(toHex(`root ${++rootsMade}`));

export async function deployRegistry(chain: TestChain): Promise<TestRegistry> {
  const transport = http(chain.rpcUrl);
  const publicClient = createPublicClient({ transport, pollingInterval: 20, cacheTime: 0 });
  const testClient = createTestClient({ transport, mode: chain.name });
  const walletOf = (index: number) =>
    createWalletClient({ transport, account: privateKeyToAccount(chain.accounts[index]!.privateKey) });
  const deploymentsDir = await mkdtemp(path.join(tmpdir(), "holdfast-deployments-"));
  const { address, startBlock } = await deployAnchorRegistry({
    publicClient,
    walletClient: walletOf(0),
    deploymentsDir,
  }).finally(() => rm(deploymentsDir, { recursive: true }));
  return {
    address,
    startBlock,
    publisher: chain.accounts[0]!.address,
    publicClient,
    testClient,
    async anchor({ root = unusedRoot(), leafCount = 1, account = 0 } = {}) {
      const txHash = await walletOf(account).writeContract({
        address,
        abi: anchorRegistryAbi,
        functionName: "anchor",
        args: [root, leafCount],
        chain: null,
      });
      return { root, receipt: await publicClient.waitForTransactionReceipt({ hash: txHash }) };
    },
    async mine(blocks) {
      for (let i = 0; i < blocks; i++) await testClient.mine({ blocks: 1 });
    },
  };
}
