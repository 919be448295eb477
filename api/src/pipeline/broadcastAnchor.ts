import type { Logger } from "pino";
import type { Hex } from "#protocol/bytes.ts";
import {
  type AnchorWriter,
  type Fees,
  RootTakenError,
  type SignedTransaction,
} from "../chain/anchorWriter.ts";
import type { Chain } from "../chain/chainDirectory.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import type { Database } from "../db/client.ts";
import { withChainLock, withTransaction } from "../db/transaction.ts";
import { newId } from "../newId.ts";
import { addFiller } from "./anchorableTree.ts";
import { type Attempt, findSlots, type Slot, storeAttempt } from "./anchorSlots.ts";
import { moveBatches } from "./batchState.ts";

export type BroadcastLimits = {
  /** An unmined transaction is sent again after this time; milliseconds. */
  resendAfterMs: number;
  /** An unmined transaction is replaced with a higher fee after this time; milliseconds. */
  replaceAfterMs: number;
};

export type BroadcastDeps = {
  db: Database;
  chain: Chain;
  reader: ChainReader;
  writer: AnchorWriter;
  limits: BroadcastLimits;
  clock: () => Date;
  logger: Logger;
  /** When each slot's transaction was last found to have succeeded, by slot id; milliseconds since 1970. Kept between looks. */
  succeeded: Map<string, number>;
};

/**
 * A mined transaction is asked for again after this time, should the chain have taken it back and used its nonce otherwise; and so are the roots
 * that it carried, should it have anchored nothing.
 */
const ASK_AGAIN_AFTER_MS = 60_000;

/** Roots that one transaction carries at most: about 1.5 million gas. */
const ROOTS_MAX = 50;

/** The node calls a transaction underpriced that already offers many times what the chain asks for: somebody has to look. */
export class FeeCeilingError extends Error {
  override name = "FeeCeilingError";
  constructor(txHash: Hex) {
    super(`${txHash} is underpriced to the node, and far above the chain's fees; it is not replaced`);
  }
}

type SealedBatch = { id: string; root: Hex; leafCount: number };

/**
 * Brings sealed batches onto the chain: looks after the transactions that are under way, then, when none of them waits to be
 * mined, stores and sends one for the sealed batches. One unmined transaction at a time per chain, so nonces cannot get
 * lost; the contract takes a repeat as done, so sending too often costs gas and never truth.
 * @returns whether there was something to do.
 */
export async function broadcastAnchor(deps: BroadcastDeps): Promise<boolean> {
  const worked = await withChainLock(deps.db, "broadcast", deps.chain.chainId, async () => {
    const slots = await findSlots(deps.db, deps.chain.chainId);
    const waiting = await tendSlots(deps, slots);
    return waiting ? false : sendSealed(deps);
  });
  return worked ?? false;
}

/** @returns whether a transaction still waits to be mined. */
async function tendSlots(deps: BroadcastDeps, slots: Slot[]): Promise<boolean> {
  const ids = new Set(slots.map(({ id }) => id));
  for (const id of deps.succeeded.keys()) if (!ids.has(id)) deps.succeeded.delete(id);
  if (slots.length === 0) return false;
  const minedNonce = await deps.writer.minedNonce();
  let waiting = false;
  let nextNonce = minedNonce;
  for (const slot of slots) {
    const nowMs = deps.clock().getTime();
    // While the indexer is away many mined transactions wait for it; their outcome stands as long as their nonce is used.
    const knownForMs = nowMs - (deps.succeeded.get(slot.id) ?? Number.NEGATIVE_INFINITY);
    if (slot.nonce < minedNonce && knownForMs < ASK_AGAIN_AFTER_MS) continue;
    const outcome = await outcomeOf(deps, slot);
    if (outcome === "succeeded") {
      // Where a chain began anew, our call may have come before the contract: it succeeded then, and anchored nothing.
      if (deps.succeeded.has(slot.id)) await releaseSlot(deps, slot);
      deps.succeeded.set(slot.id, nowMs);
      continue;
    }
    const mayBeMined = slot.nonce === nextNonce && outcome === "unmined" && slot.attempts.length > 0;
    if (mayBeMined) {
      nextNonce++;
      waiting = true;
      await pushSlot(deps, slot);
    } else {
      await releaseSlot(deps, slot);
    }
  }
  return waiting;
}

async function outcomeOf(
  { writer }: BroadcastDeps,
  slot: Slot,
): Promise<"unmined" | "succeeded" | "reverted"> {
  for (const attempt of slot.attempts) {
    const outcome = await writer.outcomeOf(attempt.txHash);
    if (outcome !== "unmined") return outcome;
  }
  return "unmined";
}

/** Sends an unmined transaction again when it is time, and replaces it when it has waited for too long or a node wants more. */
async function pushSlot(deps: BroadcastDeps, slot: Slot): Promise<void> {
  const nowMs = deps.clock().getTime();
  const last = slot.attempts.at(-1)!;
  // One that no node has taken yet does not wait for a higher fee.
  const tooLong = last.sentAt !== null && nowMs - last.storedAt.getTime() >= deps.limits.replaceAfterMs;
  const raised = tooLong ? await deps.writer.raisedFees(last.fees) : null;
  if (raised !== null) return replaceAttempt(deps, slot, last, raised);
  if (last.sentAt !== null && nowMs - last.sentAt.getTime() < deps.limits.resendAfterMs) return;
  if ((await send(deps, last)) === "sent") return;
  const demanded = await deps.writer.raisedFees(last.fees);
  if (demanded === null) throw new FeeCeilingError(last.txHash);
  await replaceAttempt(deps, slot, last, demanded);
}

async function replaceAttempt(deps: BroadcastDeps, slot: Slot, last: Attempt, fees: Fees): Promise<void> {
  const signed = await deps.writer.sign(slot.batches, slot.nonce, fees).catch((error: unknown) => {
    if (error instanceof RootTakenError) return null;
    throw error;
  });
  // A root was taken meanwhile. The attempt that is out can only revert, and may offer too little even for that: waiting for it
  // could hold the nonce for ever. Should it be mined after all, the next transaction has lost its nonce and gets another.
  if (signed === null) return releaseSlot(deps, slot);
  deps.logger.info(
    { chainId: deps.chain.chainId, nonce: slot.nonce, replaces: last.txHash, txHash: signed.txHash },
    "anchor transaction replaced",
  );
  await storeThenSend(deps, slot.id, signed);
}

/**
 * The slot's transaction can no longer be mined as it stands: it reverted or would, its nonce was used by another, or nonces
 * before it are missing (the chain lost them). Batches that are on chain all the same stay; the others are sealed again.
 */
async function releaseSlot(deps: BroadcastDeps, slot: Slot): Promise<void> {
  const lost: string[] = [];
  for (const batch of slot.batches) {
    const found = await deps.reader.anchorOf(batch.publisher, batch.root);
    if (found?.leafCount !== batch.leafCount) lost.push(batch.id);
  }
  if (lost.length === 0) return;
  deps.logger.warn(
    { chainId: deps.chain.chainId, nonce: slot.nonce, batches: lost },
    "anchor transaction lost; its batches go into another",
  );
  await withTransaction(deps.db, (tx) => moveBatches(tx, lost, "broadcast", "sealed", { slotId: null }));
}

async function sendSealed(deps: BroadcastDeps): Promise<boolean> {
  const sealed = await findSealed(deps);
  if (sealed.length === 0) return false;
  const fresh = await passOverAnchored(deps, sealed);
  if (fresh.length === 0) return true;
  try {
    const nonce = await deps.writer.minedNonce();
    const signed = await deps.writer.sign(fresh, nonce, await deps.writer.fees());
    await storeThenSend(
      deps,
      newId(),
      signed,
      fresh.map((batch) => batch.id),
    );
  } catch (error) {
    if (!(error instanceof RootTakenError)) throw error;
    await addFiller(deps.db, fresh.find((batch) => batch.root === error.root.toLowerCase())!.id);
  }
  return true;
}

async function findSealed({ db, chain }: BroadcastDeps): Promise<SealedBatch[]> {
  const { rows } = await db.pool.query<{ id: string; root: Buffer; leaf_count: number; foreign: boolean }>(
    `SELECT id, root, leaf_count, publisher <> $3 AS foreign FROM app.batches
     WHERE chain_id = $1 AND state = 'sealed' ORDER BY id LIMIT $2`,
    [chain.chainId, ROOTS_MAX, chain.publisher],
  );
  // A batch that was sealed before the publisher's key changed is anchored by the new one.
  if (rows.some((row) => row.foreign)) {
    await db.pool.query(
      "UPDATE app.batches SET publisher = $2 WHERE chain_id = $1 AND state = 'sealed' AND publisher <> $2",
      [chain.chainId, chain.publisher],
    );
  }
  return rows.map((row) => ({
    id: row.id,
    root: `0x${row.root.toString("hex")}`,
    leafCount: row.leaf_count,
  }));
}

/** Roots that are on chain already (a repeat, or a transaction that we took for lost) need no other transaction. */
async function passOverAnchored(
  { db, reader, writer }: BroadcastDeps,
  sealed: SealedBatch[],
): Promise<SealedBatch[]> {
  const fresh: SealedBatch[] = [];
  const anchored: string[] = [];
  for (const batch of sealed) {
    const found = await reader.anchorOf(writer.publisher, batch.root);
    if (found?.leafCount === batch.leafCount) anchored.push(batch.id);
    else fresh.push(batch);
  }
  if (anchored.length > 0)
    await withTransaction(db, (tx) => moveBatches(tx, anchored, "sealed", "broadcast", { slotId: null }));
  return fresh;
}

/**
 * The raw bytes are stored before they are sent: if we stop after the commit, the next run sends the same bytes again, and
 * the contract takes a repeat as done. Sending first could lose the nonce.
 */
async function storeThenSend(
  deps: BroadcastDeps,
  slotId: string,
  signed: SignedTransaction,
  newBatchIds: string[] = [],
): Promise<void> {
  const attempt = await withTransaction(deps.db, async (tx) => {
    if (newBatchIds.length > 0) await moveBatches(tx, newBatchIds, "sealed", "broadcast", { slotId });
    return storeAttempt(tx, {
      slotId,
      chainId: deps.chain.chainId,
      sender: deps.writer.publisher,
      signed,
      now: deps.clock(),
    });
  });
  await send(deps, attempt);
}

async function send(
  { db, writer, chain, clock, logger }: BroadcastDeps,
  attempt: Attempt,
): Promise<"sent" | "underpriced"> {
  const outcome = await writer.send(attempt.rawTransaction);
  logger.info({ chainId: chain.chainId, txHash: attempt.txHash, outcome }, "anchor transaction sent");
  if (outcome === "sent") {
    await db.pool.query("UPDATE app.anchor_transactions SET sent_at = $2 WHERE tx_hash = $1", [
      Buffer.from(attempt.txHash.slice(2), "hex"),
      clock(),
    ]);
  }
  return outcome;
}
