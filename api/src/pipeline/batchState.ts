import type { PoolClient } from "pg";

/**
 * sealed: leaf order, tree and root are durable. broadcast: a transaction that carries it is stored, or its root was on chain
 * already. anchored: batch, index and chain agree, the chain's confirmations have passed, and the receipts are signed.
 */
export type BatchState = "sealed" | "broadcast" | "anchored";

/** The legal moves; there are no others. */
const MOVES: Record<BatchState, readonly BatchState[]> = {
  sealed: ["broadcast"],
  // Back to sealed: its transaction can no longer be mined, so another must carry it.
  broadcast: ["anchored", "sealed"],
  // A reorganisation removed the block; the transaction may be mined again.
  anchored: ["broadcast"],
};

export class IllegalMoveError extends Error {
  override name = "IllegalMoveError";
}

/** Columns that a move sets beside the state. The anchor's are set all together or, by default, cleared. */
export type MoveColumns = { slotId?: string | null; anchor?: AnchorColumns };

export type AnchorColumns = {
  txHash: Buffer;
  blockNumber: number;
  blockHash: Buffer;
  /** Seconds since 1970. */
  blockTimestamp: number;
  logIndex: number;
  gasUsed: string;
  anchoredAt: Date;
};

// The tenants' anchored hashes are counted by the statement that moves their batches, so that neither stands without the other.
// Rows of batches are locked in one order, and after them those of tenants, so that no two moves wait for each other.
const MOVE = `
  WITH held AS (
    SELECT id FROM app.batches WHERE id = ANY($1::uuid[]) AND state = $2 ORDER BY id FOR NO KEY UPDATE
  ), moved AS (
    UPDATE app.batches SET state = $3,
      slot_id = CASE WHEN $4 THEN $5::uuid ELSE slot_id END,
      tx_hash = $6, block_number = $7, block_hash = $8, block_timestamp = $9, log_index = $10, gas_used = $11, anchored_at = $12
    WHERE id IN (SELECT id FROM held) AND state = $2
    RETURNING id
  ), counted AS (
    INSERT INTO app.tenant_totals AS total (tenant_id, batches, anchored_hashes)
    SELECT own.tenant_id, count(*), sum(own.hashes) FROM moved JOIN app.batch_tenants own ON own.batch_id = moved.id
    WHERE $13::int <> 0 GROUP BY own.tenant_id ORDER BY own.tenant_id
    ON CONFLICT (tenant_id) DO UPDATE SET anchored_hashes = total.anchored_hashes + $13::int * excluded.anchored_hashes
  )
  SELECT id FROM moved`;

/**
 * Moves batches from one state to another, and counts their tenants' anchored hashes (HA-6). A batch that another worker has
 * moved meanwhile is left as it is.
 * @returns the ids that moved.
 * @throws {IllegalMoveError} for a move that is not in the table.
 */
export async function moveBatches(
  tx: Pick<PoolClient, "query">,
  ids: string[],
  from: BatchState,
  to: BatchState,
  columns: MoveColumns = {},
): Promise<string[]> {
  if (!MOVES[from].includes(to)) throw new IllegalMoveError(`no move from ${from} to ${to}`);
  if ((to === "anchored") !== (columns.anchor !== undefined))
    throw new IllegalMoveError("the anchor stands with anchored, and only there");
  const a = columns.anchor;
  const { rows } = await tx.query<{ id: string }>(MOVE, [
    ids,
    from,
    to,
    columns.slotId !== undefined,
    columns.slotId ?? null,
    a?.txHash ?? null,
    a?.blockNumber ?? null,
    a?.blockHash ?? null,
    a?.blockTimestamp ?? null,
    a?.logIndex ?? null,
    a?.gasUsed ?? null,
    a?.anchoredAt ?? null,
    Number(to === "anchored") - Number(from === "anchored"),
  ]);
  return rows.map((row) => row.id);
}
