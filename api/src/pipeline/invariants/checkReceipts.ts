import { createPublicKey, verify } from "node:crypto";
import type { PoolClient } from "pg";
import { keyIdOf } from "#protocol/receiptSignature.ts";
import { receiptBytes, SIGNATURE_BYTES } from "../signReceipts.ts";
import type { AnchoredRow } from "./batchRow.ts";
import { hex } from "./checkAnchor.ts";
import type { Report } from "./violation.ts";

/** Which signatures of a batch are verified: all, none, or so many, spread evenly from the first leaf to the last. */
export type SignatureChoice = "all" | "none" | number;

/** One signature per leaf, by a key that everybody can know, over the receipt as it is served. */
export async function checkReceipts(
  tx: PoolClient,
  batch: AnchoredRow,
  nodes: Buffer,
  choice: SignatureChoice,
  report: Report,
): Promise<void> {
  if (batch.kid === null) return report({ kind: "receiptsMissing", batchId: batch.id, found: "no receipts" });
  if (batch.signatures_bytes !== batch.leaf_count * SIGNATURE_BYTES) {
    const found = `${batch.signatures_bytes} bytes for ${batch.leaf_count} leaves`;
    return report({ kind: "receiptsIncomplete", batchId: batch.id, found });
  }
  if (batch.public_key === null || keyIdOf(batch.public_key) !== batch.kid)
    return report({ kind: "keyUnknown", batchId: batch.id, found: batch.kid });
  if (choice === "none") return;
  const { rows } = await tx.query<{ signatures: Buffer }>(
    "SELECT signatures FROM app.batch_receipts WHERE batch_id = $1",
    [batch.id],
  );
  const isSigned = signatureCheck(batch, nodes, rows[0]!.signatures);
  for (const index of chosenLeaves(batch.leaf_count, choice)) {
    if (!isSigned(index))
      report({
        kind: "signatureWrong",
        batchId: batch.id,
        contentHash: hex(nodes.subarray(index * 32, (index + 1) * 32)),
        found: `leaf ${index}`,
      });
  }
}

function signatureCheck(
  batch: AnchoredRow,
  nodes: Buffer,
  signatures: Buffer,
): (leafIndex: number) => boolean {
  const key = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: batch.public_key!.toString("base64url") },
    format: "jwk",
  });
  const bytesOf = receiptBytes({
    leafCount: batch.leaf_count,
    nodes,
    anchor: {
      chainId: batch.chain_id,
      contractAddress: hex(batch.contract_address),
      txHash: hex(batch.tx_hash),
      blockNumber: batch.block_number,
      blockTimestamp: batch.block_timestamp,
      publisher: hex(batch.publisher),
      blockHash: hex(batch.block_hash),
      logIndex: batch.log_index,
      leafCount: batch.leaf_count,
    },
  });
  return (index) =>
    verify(
      null,
      bytesOf(index),
      key,
      signatures.subarray(index * SIGNATURE_BYTES, (index + 1) * SIGNATURE_BYTES),
    );
}

function* chosenLeaves(leafCount: number, choice: "all" | number): Generator<number> {
  const count = choice === "all" ? leafCount : Math.min(choice, leafCount);
  for (let i = 0; i < count; i++) yield count === 1 ? 0 : Math.round((i * (leafCount - 1)) / (count - 1));
}
