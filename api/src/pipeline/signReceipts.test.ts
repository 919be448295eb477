import { generateKeyPairSync, randomBytes, verify } from "node:crypto";
import { MerkleTree as MerkleTreeJs } from "merkletreejs";
import { bytesToHex, keccak256 } from "viem";
import { beforeAll, expect, test } from "vitest";
import { buildTree, loadKeccak } from "#protocol/merkleTree.ts";
import { type ReceiptAnchor, signedBytes } from "#protocol/receipt.ts";
import { signReceipts } from "./signReceipts.ts";

const SIGNATURE_BYTES = 64;

const facts: Omit<ReceiptAnchor, "leafIndex" | "leafCount"> = {
  chainId: 31337,
  contractAddress: `0x${"c0".repeat(20)}`,
  txHash: `0x${"07".repeat(32)}`,
  blockNumber: 6,
  blockTimestamp: 1_800_000_000,
  publisher: `0x${"b0".repeat(20)}`,
  blockHash: `0x${"0b".repeat(32)}`,
  logIndex: 3,
};

beforeAll(loadKeccak);

// 64 signatures are under way at once, so sizes around that number meet the edges of a round.
test.each([1, 2, 3, 63, 64, 65, 130])(
  "protocol §6: each of %i signatures stands over exactly the bytes that the protocol names",
  async (leafCount) => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const leaves = Array.from({ length: leafCount }, () => randomBytes(32));
    // The path by another implementation, so that the receipt is not compared with itself.
    const oracle = new MerkleTreeJs(leaves, (bytes: Buffer) => Buffer.from(keccak256(bytes, "bytes")), {
      sortPairs: true,
    });
    const signatures = await signReceipts(
      {
        leafCount,
        nodes: buildTree(Buffer.concat(leaves)).nodes,
        anchor: { ...facts, leafCount },
      },
      privateKey,
    );
    expect(signatures.length).toBe(leafCount * SIGNATURE_BYTES);
    for (const [leafIndex, leaf] of leaves.entries()) {
      const bytes = signedBytes({
        hash: bytesToHex(leaf),
        merkleRoot: bytesToHex(oracle.getRoot()),
        proof: oracle
          .getProof(leaf, leafIndex)
          .map(({ position, data }) => ({ position, data: bytesToHex(data) })),
        anchor: { ...facts, leafCount, leafIndex },
      });
      const signature = signatures.subarray(leafIndex * SIGNATURE_BYTES, (leafIndex + 1) * SIGNATURE_BYTES);
      expect(verify(null, bytes, publicKey, signature)).toBe(true);
    }
  },
);

test("signing again after a stop gives the same bytes", async () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const { nodes } = buildTree(randomBytes(32 * 5));
  const batch = { leafCount: 5, nodes, anchor: { ...facts, leafCount: 5 } };
  expect(await signReceipts(batch, privateKey)).toEqual(await signReceipts(batch, privateKey));
});
