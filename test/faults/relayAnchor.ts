import { createPublicClient, createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { anchorRegistryAbi as abi } from "#protocol/anchorRegistryAbi.ts";
import type { Hex } from "#protocol/bytes.ts";
import type { TestChain } from "#test/support/chains.ts";
import { mine } from "./askNode.ts";

const types = {
  Anchor: [
    { name: "publisher", type: "address" },
    { name: "root", type: "bytes32" },
    { name: "leafCount", type: "uint32" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const;

const RELAYER = 2;
const DEADLINE_SECONDS = 3_600n;

/**
 * Anchors a root in the name of the publisher (account 0), who only signs: another account sends and pays, so that the
 * publisher's transaction nonce stays as it is (protocol §3). Mines a block for it.
 */
export async function relayAnchor(
  { rpcUrl, chainId, accounts }: Pick<TestChain, "rpcUrl" | "chainId" | "accounts">,
  contract: Hex,
  { root, leafCount }: { root: Hex; leafCount: number },
): Promise<void> {
  const transport = http(rpcUrl);
  const client = createPublicClient({ transport, cacheTime: 0 });
  const signer = privateKeyToAccount(accounts[0]!.privateKey);
  const publisher = signer.address;
  const nonce = await client.readContract({
    address: contract,
    abi,
    functionName: "nonces",
    args: [publisher],
  });
  const deadline = (await client.getBlock()).timestamp + DEADLINE_SECONDS;
  const signature = await signer.signTypedData({
    domain: { name: "AnchorRegistry", version: "1", chainId, verifyingContract: contract },
    types,
    primaryType: "Anchor",
    message: { publisher, root, leafCount, nonce, deadline },
  });
  const relayer = privateKeyToAccount(accounts[RELAYER]!.privateKey);
  const txHash = await createWalletClient({ account: relayer, transport }).writeContract({
    chain: null,
    address: contract,
    abi,
    functionName: "anchorFor",
    args: [publisher, root, leafCount, deadline, signature],
  });
  await mine({ rpcUrl }, 1);
  const { status } = await client.getTransactionReceipt({ hash: txHash });
  if (status !== "success") throw new Error(`the relayed anchor ${txHash} reverted`);
}
