import type { PoolClient } from "pg";
import type { Hex } from "#protocol/bytes.ts";
import type { Fees, SignedTransaction } from "../chain/anchorWriter.ts";
import type { Database } from "../db/client.ts";

/** One signed form of a slot's transaction. */
export type Attempt = { txHash: Hex; rawTransaction: Hex; fees: Fees; storedAt: Date; sentAt: Date | null };

/** One nonce, the batches that its transaction carries, and its attempts, the oldest first; later ones pay more. */
export type Slot = {
  id: string;
  nonce: number;
  batches: { id: string; publisher: Hex; root: Hex; leafCount: number }[];
  attempts: Attempt[];
};

type BatchRow = { id: string; slot_id: string | null; publisher: Buffer; root: Buffer; leaf_count: number };
type AttemptRow = {
  slot_id: string;
  nonce: number;
  tx_hash: Buffer;
  raw_transaction: Buffer;
  max_fee_wei: string;
  max_priority_fee_wei: string;
  stored_at: Date;
  sent_at: Date | null;
};

/**
 * Slots with batches that are broadcast and not yet anchored, by nonce. Batches without a transaction of their own stand in
 * a slot without attempts, last.
 */
export async function findSlots({ pool }: Database, chainId: number): Promise<Slot[]> {
  const batches = await pool.query<BatchRow>(
    "SELECT id, slot_id, publisher, root, leaf_count FROM app.batches WHERE chain_id = $1 AND state = 'broadcast' ORDER BY id",
    [chainId],
  );
  if (batches.rows.length === 0) return [];
  const slotIds = [...new Set(batches.rows.flatMap((row) => row.slot_id ?? []))];
  const attempts = await pool.query<AttemptRow>(
    "SELECT * FROM app.anchor_transactions WHERE slot_id = ANY($1::uuid[]) ORDER BY nonce, stored_at, max_fee_wei",
    [slotIds],
  );
  const slots = new Map<string, Slot>();
  for (const row of attempts.rows) {
    if (!slots.has(row.slot_id))
      slots.set(row.slot_id, { id: row.slot_id, nonce: row.nonce, batches: [], attempts: [] });
    slots.get(row.slot_id)!.attempts.push(toAttempt(row));
  }
  const unsent: Slot = { id: "", nonce: Number.NaN, batches: [], attempts: [] };
  for (const row of batches.rows) {
    const slot = slots.get(row.slot_id ?? "") ?? unsent;
    slot.batches.push({
      id: row.id,
      publisher: toHex(row.publisher),
      root: toHex(row.root),
      leafCount: row.leaf_count,
    });
  }
  return unsent.batches.length > 0 ? [...slots.values(), unsent] : [...slots.values()];
}

export type NewAttempt = {
  slotId: string;
  chainId: number;
  sender: Hex;
  signed: SignedTransaction;
  now: Date;
};

/** The same bytes may be signed again after the chain lost them; then the attempt belongs to its newest slot. */
export async function storeAttempt(
  tx: PoolClient,
  { slotId, chainId, sender, signed, now }: NewAttempt,
): Promise<Attempt> {
  await tx.query(
    `INSERT INTO app.anchor_transactions
       (tx_hash, slot_id, chain_id, sender, nonce, raw_transaction, max_fee_wei, max_priority_fee_wei, stored_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (tx_hash) DO UPDATE SET slot_id = excluded.slot_id, stored_at = excluded.stored_at, sent_at = NULL`,
    [
      toBuffer(signed.txHash),
      slotId,
      chainId,
      toBuffer(sender),
      signed.nonce,
      toBuffer(signed.rawTransaction),
      String(signed.fees.maxFeeWei),
      String(signed.fees.maxPriorityFeeWei),
      now,
    ],
  );
  return {
    txHash: signed.txHash,
    rawTransaction: signed.rawTransaction,
    fees: signed.fees,
    storedAt: now,
    sentAt: null,
  };
}

function toAttempt(row: AttemptRow): Attempt {
  return {
    txHash: toHex(row.tx_hash),
    rawTransaction: toHex(row.raw_transaction),
    fees: { maxFeeWei: BigInt(row.max_fee_wei), maxPriorityFeeWei: BigInt(row.max_priority_fee_wei) },
    storedAt: row.stored_at,
    sentAt: row.sent_at,
  };
}

function toHex(bytes: Buffer): Hex {
  return `0x${bytes.toString("hex")}`;
}

function toBuffer(hex: Hex): Buffer {
  return Buffer.from(hex.slice(2), "hex");
}
