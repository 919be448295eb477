import { randomFillSync } from "node:crypto";
import { stringify } from "uuid";

/** Random bytes are drawn for this many ids at once: a draw per id costs more than all else of an id. */
const IDS_PER_DRAW = 256;
const RANDOM_BYTES = 8;
const SEQUENCE_BITS = 18;

const pool = Buffer.alloc(IDS_PER_DRAW * RANDOM_BYTES);
let drawn = pool.length;
let lastMs = 0;
let sequence = 0;

/**
 * A UUID version 7 (RFC 9562 §5.7, method 1 of §6.2): milliseconds, then a counter that makes the ids of one process rise in the
 * order in which they were made, then 56 random bits. A clock that goes back does not make ids go back.
 */
export function newId(): string {
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    sequence = 0;
  } else if (++sequence >= 1 << SEQUENCE_BITS) {
    lastMs++;
    sequence = 0;
  }
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  const bytes = new Uint8Array(16);
  bytes.set(pool.subarray(drawn, drawn + RANDOM_BYTES), 16 - RANDOM_BYTES);
  drawn += RANDOM_BYTES;
  const highMs = Math.floor(lastMs / 0x1_0000);
  bytes[0] = highMs >>> 24;
  bytes[1] = highMs >>> 16;
  bytes[2] = highMs >>> 8;
  bytes[3] = highMs;
  bytes[4] = lastMs >>> 8;
  bytes[5] = lastMs;
  bytes[6] = 0x70 | (sequence >>> 14);
  bytes[7] = sequence >>> 6;
  bytes[8] = 0x80 | (sequence & 0x3f);
  return stringify(bytes);
}

/** The smallest UUID of version 7 that could be made at this time. */
export function smallestIdAt(timeMs: number): string {
  const hex = Math.max(0, timeMs).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
