import { type CrossCheckFailure, crossCheck } from "#protocol/crossCheck.ts";
import type { ChainReader } from "../../chain/chainReader.ts";
import type { AnchoredRow, BatchRow } from "./batchRow.ts";
import type { Report } from "./violation.ts";

const CONTRACT_FAILURES: readonly CrossCheckFailure[] = [
  "contractNotAnchored",
  "contractLeafCount",
  "contractBlock",
];

/** Batch = indexed event (all that the receipts say of it), = contract when there is a reader to ask it through. */
export async function checkAnchor(
  batch: AnchoredRow,
  reader: ChainReader | null,
  report: Report,
): Promise<void> {
  const facts = { publisher: hex(batch.publisher), root: hex(batch.root), leafCount: batch.leaf_count };
  const contract = reader && {
    anchor: await reader.anchorOf(facts.publisher, facts.root),
    blockHash: await reader.blockHash(batch.block_number),
  };
  const check = crossCheck({
    batch: { ...facts, blockHash: hex(batch.block_hash) },
    indexed: indexedFacts(batch),
    asOfBlock: BigInt(batch.block_number),
    confirmationsRequired: 1,
    ...(contract ? { contract } : {}),
  });
  if (!check.ok) {
    const kind = CONTRACT_FAILURES.includes(check.failed) ? "contractDisagrees" : "indexDisagrees";
    report({ kind, batchId: batch.id, found: check.failed });
  } else if (!isReceiptAsIndexed(batch))
    report({ kind: "indexDisagrees", batchId: batch.id, found: "transaction, block, log index or gas" });
}

function indexedFacts(batch: BatchRow) {
  if (batch.indexed_block_hash === null) return null;
  return {
    publisher: hex(batch.publisher), // what the index was joined by
    root: hex(batch.root),
    leafCount: batch.indexed_leaf_count!,
    blockHash: hex(batch.indexed_block_hash),
    blockNumber: BigInt(batch.indexed_block_number!),
    blockTimestamp: BigInt(batch.indexed_block_timestamp!),
  };
}

function isReceiptAsIndexed(batch: AnchoredRow): boolean {
  return (
    batch.tx_hash.equals(batch.indexed_tx_hash!) &&
    batch.block_number === batch.indexed_block_number &&
    batch.block_timestamp === batch.indexed_block_timestamp &&
    batch.log_index === batch.indexed_log_index &&
    batch.gas_used === batch.indexed_gas_used
  );
}

export function hex(bytes: Buffer): `0x${string}` {
  return `0x${bytes.toString("hex")}`;
}
