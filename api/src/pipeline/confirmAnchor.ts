import type { Logger } from "pino";
import type { Hex } from "#protocol/bytes.ts";
import { crossCheck } from "#protocol/crossCheck.ts";
import type { Chain } from "../chain/chainDirectory.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import {
  INDEXED_ANCHOR_COLUMNS,
  type IndexedAnchorRow,
  JOIN_INDEXED_ANCHOR,
} from "../chain/indexedAnchors.ts";
import type { Database } from "../db/client.ts";
import { withChainLock, withTransaction } from "../db/transaction.ts";
import { recordAnchored } from "../webhooks/recordEvent.ts";
import { moveBatches } from "./batchState.ts";
import type { DelegateOrigins } from "./delegateOrigins.ts";
import type { SigningKey } from "./signingKey.ts";
import { signReceipts } from "./signReceipts.ts";

export type ConfirmDeps = {
  db: Database;
  chain: Chain;
  reader: ChainReader;
  signingKey: SigningKey;
  delegateOrigins: DelegateOrigins;
  clock: () => Date;
  logger: Logger;
};

/** Batches confirmed by one step at most: their trees are held in memory, one at a time, and the lock is held meanwhile. */
const BATCHES_MAX = 100;

type Candidate = { id: string; publisher: Buffer; root: Buffer; leaf_count: number } & {
  [Column in keyof IndexedAnchorRow]: NonNullable<IndexedAnchorRow[Column]>;
};

const CANDIDATES = `
  SELECT b.id, b.publisher, b.root, b.leaf_count, ${INDEXED_ANCHOR_COLUMNS}
  FROM app.batches b ${JOIN_INDEXED_ANCHOR}
  WHERE b.chain_id = $1 AND b.state = 'broadcast' AND a.block_number <= $2
  ORDER BY a.block_number, a.log_index, b.id LIMIT ${BATCHES_MAX}`;

/**
 * Compares broadcast batches with the index and with the chain itself; those on which all agree, and that are deep enough,
 * are signed and become anchored.
 * @returns how many became anchored.
 */
export async function confirmAnchor(deps: ConfirmDeps): Promise<number> {
  const { db, chain, reader } = deps;
  const anchored = await withChainLock(db, "confirm", chain.chainId, async () => {
    const heads = await reader.heads();
    await storeHeads(deps, heads);
    const { rows } = await db.pool.query<Candidate>(CANDIDATES, [
      chain.chainId,
      heads.latest - chain.confirmations + 1,
    ]);
    // A receipt is never signed by a key that has not said whose statements of origin count for it.
    if (rows.length > 0) await deps.delegateOrigins();
    let count = 0;
    for (const candidate of rows) {
      if (await isAsOnChain(deps, candidate, heads.latest)) count += await anchorBatch(deps, candidate);
    }
    return count;
  });
  return anchored ?? 0;
}

async function storeHeads(
  { db, chain, clock }: ConfirmDeps,
  heads: Awaited<ReturnType<ChainReader["heads"]>>,
): Promise<void> {
  const { latest, safe, finalized } = heads;
  // What was final stays so when the node does not answer once.
  await db.pool.query(
    `UPDATE app.chains SET latest_block = $2, heads_read_at = $5,
       safe_block = CASE WHEN $6 THEN $3 ELSE safe_block END, finalized_block = CASE WHEN $7 THEN $4 ELSE finalized_block END
     WHERE chain_id = $1`,
    [chain.chainId, latest, safe, finalized, clock(), safe !== undefined, finalized !== undefined],
  );
}

/** Batch = indexed event = contract (protocol §5). */
async function isAsOnChain(
  { chain, reader, logger }: ConfirmDeps,
  candidate: Candidate,
  latest: number,
): Promise<boolean> {
  const publisher = toHex(candidate.publisher);
  const root = toHex(candidate.root);
  const [anchor, blockHash] = await Promise.all([
    reader.anchorOf(publisher, root),
    reader.blockHash(candidate.indexed_block_number),
  ]);
  const check = crossCheck({
    batch: { publisher, root, leafCount: candidate.leaf_count, blockHash: null },
    indexed: {
      publisher,
      root,
      leafCount: candidate.indexed_leaf_count,
      blockHash: toHex(candidate.indexed_block_hash),
      blockNumber: BigInt(candidate.indexed_block_number),
      blockTimestamp: BigInt(candidate.indexed_block_timestamp),
    },
    asOfBlock: BigInt(latest),
    confirmationsRequired: chain.confirmations,
    contract: { anchor, blockHash },
  });
  if (!check.ok)
    logger.warn(
      { chainId: chain.chainId, batchId: candidate.id, failed: check.failed },
      "batch, index and chain disagree",
    );
  return check.ok;
}

/** Receipts and state in one transaction: nothing is anchored without its receipts, and nothing is signed but compared facts. */
async function anchorBatch(
  { db, chain, signingKey, clock, logger }: ConfirmDeps,
  candidate: Candidate,
): Promise<number> {
  const tree = await db.pool.query<{ nodes: Buffer }>(
    "SELECT nodes FROM app.batch_trees WHERE batch_id = $1",
    [candidate.id],
  );
  // In the order in which a receipt has them: it is signed.
  const anchor = {
    chainId: chain.chainId,
    contractAddress: toHex(chain.contractAddress),
    txHash: toHex(candidate.indexed_tx_hash),
    blockNumber: candidate.indexed_block_number,
    blockTimestamp: candidate.indexed_block_timestamp,
    publisher: toHex(candidate.publisher),
    blockHash: toHex(candidate.indexed_block_hash),
    logIndex: candidate.indexed_log_index,
    leafCount: candidate.leaf_count,
  };
  const signatures = await signReceipts(
    { leafCount: candidate.leaf_count, nodes: tree.rows[0]!.nodes, anchor },
    signingKey.privateKey,
  );
  const anchoredAt = clock();
  return withTransaction(db, async (tx) => {
    const moved = await moveBatches(tx, [candidate.id], "broadcast", "anchored", {
      anchor: {
        txHash: candidate.indexed_tx_hash,
        blockNumber: candidate.indexed_block_number,
        blockHash: candidate.indexed_block_hash,
        blockTimestamp: candidate.indexed_block_timestamp,
        logIndex: candidate.indexed_log_index,
        gasUsed: candidate.indexed_gas_used,
        anchoredAt,
      },
    });
    if (moved.length === 0) return 0;
    await tx.query(
      "INSERT INTO app.batch_receipts (batch_id, kid, signatures, issued_at) VALUES ($1, $2, $3, $4)",
      [candidate.id, signingKey.kid, signatures, anchoredAt],
    );
    await recordAnchored(tx, {
      batchId: candidate.id,
      merkleRoot: toHex(candidate.root),
      anchor,
      anchoredAt,
    });
    logger.info(
      {
        chainId: chain.chainId,
        batchId: candidate.id,
        block: candidate.indexed_block_number,
        leaves: candidate.leaf_count,
      },
      "batch anchored",
    );
    return 1;
  });
}

function toHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
