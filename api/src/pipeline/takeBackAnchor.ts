import type { Logger } from "pino";
import type { Chain } from "../chain/chainDirectory.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { BATCH_IS_AS_INDEXED, JOIN_INDEXED_ANCHOR } from "../chain/indexedAnchors.ts";
import type { Database } from "../db/client.ts";
import { withTransaction } from "../db/transaction.ts";
import { moveBatches } from "./batchState.ts";

export type TakeBackDeps = { db: Database; chain: Chain; reader: ChainReader; logger: Logger };

/** How far back a look goes that is not `everything`; deeper reorganisations shorten the chain, which calls for everything. */
const BLOCKS_LOOKED_BACK = 1_024;
const BATCHES_MAX = 1_000;

const DISAGREEING = `
  SELECT b.id, b.block_number, b.block_hash
  FROM app.batches b ${JOIN_INDEXED_ANCHOR}
  WHERE b.chain_id = $1 AND b.state = 'anchored' AND b.block_number >= $2 AND ${BATCH_IS_AS_INDEXED} IS NOT TRUE
  ORDER BY b.block_number LIMIT ${BATCHES_MAX}`;

/**
 * Takes anchored batches back whose block a reorganisation removed: they return to broadcast and their receipts are deleted.
 * The index points at them and the chain decides, so an index that is behind, or is being built anew, takes nothing back.
 * @returns how many were taken back.
 */
export async function takeBackAnchors(
  { db, chain, reader, logger }: TakeBackDeps,
  everything: boolean,
): Promise<number> {
  const { latest } = await reader.heads();
  const fromBlock = everything ? 0 : latest - BLOCKS_LOOKED_BACK;
  const { rows } = await db.pool.query<{ id: string; block_number: number; block_hash: Buffer }>(
    DISAGREEING,
    [chain.chainId, fromBlock],
  );
  const gone: typeof rows = [];
  const hashOfBlock = new Map<number, string | null>();
  for (const batch of rows) {
    if (!hashOfBlock.has(batch.block_number))
      hashOfBlock.set(batch.block_number, await reader.blockHash(batch.block_number));
    if (hashOfBlock.get(batch.block_number) !== `0x${batch.block_hash.toString("hex")}`) gone.push(batch);
  }
  if (gone.length === 0) return 0;
  logger.warn(
    { chainId: chain.chainId, batches: gone.map(({ id }) => id) },
    "anchors reorganised away; their batches are broadcast again",
  );
  return withTransaction(db, async (tx) => {
    // Another worker may have taken it back, and it may be anchored anew in another block by now.
    const same = await tx.query<{ id: string }>(
      `SELECT b.id FROM unnest($1::uuid[], $2::bytea[]) AS looked_at (id, block_hash)
       JOIN app.batches b USING (id, block_hash) WHERE b.state = 'anchored' FOR UPDATE OF b`,
      [gone.map(({ id }) => id), gone.map((batch) => batch.block_hash)],
    );
    const moved = await moveBatches(
      tx,
      same.rows.map(({ id }) => id),
      "anchored",
      "broadcast",
    );
    await tx.query("DELETE FROM app.batch_receipts WHERE batch_id = ANY($1::uuid[])", [moved]);
    return moved.length;
  });
}
