import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createPublicClient, createWalletClient, http, parseEventLogs } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import { base64UrlToBytes, bytesToBase64, bytesToHex, type Hex, hexToBytes } from "#protocol/bytes.ts";
import { buildTree, loadKeccak, type MerkleTree, pathOf } from "#protocol/merkleTree.ts";
import { type AnchorReceipt, type ReceiptAnchor, signedBytes } from "#protocol/receipt.ts";
import { keyIdOf } from "#protocol/receiptSignature.ts";
import { deployAnchorRegistry } from "#scripts/deploy.ts";
import type { TestChain } from "./chains.ts";

export type ReceiptSigner = { privateKey: KeyObject; publicKey: string; kid: string };

/** An issuer of receipts without the API: a registry on a test chain, a publisher and a signing key. */
export type TestIssuer = {
  contract: Hex;
  publisher: Hex;
  signer: ReceiptSigner;
  /** Anchors the content hashes as one batch and answers a receipt for each. */
  anchor(hashes: readonly Hex[]): Promise<AnchorReceipt[]>;
};

export async function startIssuer(
  chain: TestChain,
  { account = 0 }: { account?: number } = {},
): Promise<TestIssuer> {
  await loadKeccak();
  const transport = http(chain.rpcUrl);
  const publicClient = createPublicClient({ transport, pollingInterval: 50 });
  const publisher = privateKeyToAccount(chain.accounts[account]!.privateKey);
  const walletClient = createWalletClient({ transport, account: publisher });
  const deploymentsDir = await mkdtemp(path.join(tmpdir(), "holdfast-deployments-"));
  const { address } = await deployAnchorRegistry({ publicClient, walletClient, deploymentsDir });
  await rm(deploymentsDir, { recursive: true });
  const signer = createSigner();

  const anchorTree = async (tree: MerkleTree): Promise<Omit<ReceiptAnchor, "leafIndex">> => {
    const txHash = await walletClient.writeContract({
      chain: null,
      address,
      abi: anchorRegistryAbi,
      functionName: "anchor",
      args: [bytesToHex(tree.root), tree.leafCount],
    });
    const txReceipt = await publicClient.waitForTransactionReceipt({ hash: txHash });
    const [event] = parseEventLogs({ abi: anchorRegistryAbi, eventName: "Anchored", logs: txReceipt.logs });
    const block = await publicClient.getBlock({ blockHash: txReceipt.blockHash });
    return {
      chainId: chain.chainId,
      contractAddress: address.toLowerCase() as Hex,
      txHash,
      blockNumber: Number(block.number),
      blockTimestamp: Number(block.timestamp),
      publisher: publisher.address.toLowerCase() as Hex,
      blockHash: block.hash,
      logIndex: event!.logIndex,
      leafCount: tree.leafCount,
    };
  };

  return {
    contract: address,
    publisher: publisher.address,
    signer,
    async anchor(hashes) {
      const tree = buildTree(Buffer.concat(hashes.map(hexToBytes)));
      const anchored = await anchorTree(tree);
      return hashes.map((hash, leafIndex) =>
        signReceipt(
          {
            "@context": "https://holdfast.example/receipt/v1",
            hash,
            merkleRoot: bytesToHex(tree.root),
            proof: pathOf(tree, leafIndex).map(({ position, data }) => ({
              position,
              data: bytesToHex(data),
            })),
            anchor: { ...anchored, leafIndex },
          },
          signer,
        ),
      );
    },
  };
}

export function createSigner(): ReceiptSigner {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = base64UrlToBytes(publicKey.export({ format: "jwk" }).x!);
  return { privateKey, publicKey: bytesToBase64(raw), kid: keyIdOf(raw) };
}

/** A receipt with the signer's signature, key and key id in place of any that it had. */
export function signReceipt(
  unsigned: Omit<AnchorReceipt, "signature" | "publicKey" | "kid">,
  { privateKey, publicKey, kid }: ReceiptSigner,
): AnchorReceipt {
  const signature = bytesToBase64(sign(null, signedBytes(unsigned), privateKey));
  return { ...unsigned, signature, publicKey, kid };
}
