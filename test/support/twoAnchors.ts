import { createPublicClient, createWalletClient, http, parseEventLogs } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { anchorRegistryAbi } from "#protocol/anchorRegistryAbi.ts";
import { bytesToHex, type Hex } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import type { TestChain } from "./chains.ts";
import { signReceipt, type TestIssuer } from "./issuedReceipts.ts";

/**
 * Anchors two batches of one leaf each in one transaction of the issuer's, and answers a receipt
 * for each.
 */
export async function anchorTwo(chain: TestChain, issuer: TestIssuer): Promise<AnchorReceipt[]> {
  const transport = http(chain.rpcUrl);
  const publicClient = createPublicClient({ transport, pollingInterval: 50 });
  const account = privateKeyToAccount(chain.accounts[0]!.privateKey);
  const roots = [0, 1].map(() => bytesToHex(crypto.getRandomValues(new Uint8Array(32))));
  const txHash = await createWalletClient({ transport, account }).writeContract({
    chain: null,
    address: issuer.contract,
    abi: anchorRegistryAbi,
    functionName: "anchorMany",
    args: [roots.map((root) => ({ root, leafCount: 1 }))],
  });
  const txReceipt = await publicClient.waitForTransactionReceipt({ hash: txHash });
  const block = await publicClient.getBlock({ blockHash: txReceipt.blockHash });
  const events = parseEventLogs({ abi: anchorRegistryAbi, eventName: "Anchored", logs: txReceipt.logs });
  return events.map(({ args, logIndex }) =>
    signReceipt(
      {
        "@context": "https://holdfast.example/receipt/v1",
        hash: args.root,
        merkleRoot: args.root,
        proof: [],
        anchor: {
          chainId: chain.chainId,
          contractAddress: issuer.contract.toLowerCase() as Hex,
          txHash,
          blockNumber: Number(block.number),
          blockTimestamp: Number(block.timestamp),
          publisher: issuer.publisher.toLowerCase() as Hex,
          blockHash: block.hash,
          logIndex,
          leafCount: 1,
          leafIndex: 0,
        },
      },
      issuer.signer,
    ),
  );
}
