import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, type Hex, hexToBytes, InvalidLengthError } from "./bytes.ts";

const WORD_BYTES = 32;
const UINT32_MAX = 0xffff_ffffn;
const UINT256_MAX = 2n ** 256n - 1n;

/** Head of a publisher that has anchored nothing. */
export const EMPTY_HEAD: Hex = `0x${"00".repeat(WORD_BYTES)}`;

/** What one anchor adds to its publisher's head. `blockTimestamp`: seconds since 1970, the block's own. */
export type AnchorLink = { root: Hex; leafCount: number | bigint; blockTimestamp: number | bigint };

/**
 * A publisher's head after one more anchor: keccak256(abi.encode(previousHead, root, leafCount, block.timestamp)).
 * Source: AnchorRegistry.
 * @throws {InvalidLengthError} unless `previous` and `root` have 32 bytes.
 * @throws {RangeError} when a number does not fit its Solidity type.
 */
export function nextHead(previous: Hex, { root, leafCount, blockTimestamp }: AnchorLink): Hex {
  const encoded = new Uint8Array(4 * WORD_BYTES);
  encoded.set(wordOfHex(previous, "head"), 0);
  encoded.set(wordOfHex(root, "root"), WORD_BYTES);
  encoded.set(wordOfUint(BigInt(leafCount), UINT32_MAX), 2 * WORD_BYTES);
  encoded.set(wordOfUint(BigInt(blockTimestamp), UINT256_MAX), 3 * WORD_BYTES);
  return bytesToHex(keccak_256(encoded));
}

/**
 * Head that all anchors of one publisher lead to, in the order of the chain (block number, then log index).
 * Equal to the contract's `head(publisher)` exactly when none is missing, altered or out of order.
 */
export function replayHead(anchors: Iterable<AnchorLink>): Hex {
  let head = EMPTY_HEAD;
  for (const anchor of anchors) head = nextHead(head, anchor);
  return head;
}

function wordOfHex(hex: Hex, what: string): Uint8Array {
  const bytes = hexToBytes(hex);
  if (bytes.length !== WORD_BYTES)
    throw new InvalidLengthError(what, { expected: WORD_BYTES, actual: bytes.length });
  return bytes;
}

function wordOfUint(value: bigint, max: bigint): Uint8Array {
  if (value < 0n || value > max) throw new RangeError(`${value} is not between 0 and ${max}`);
  return hexToBytes(`0x${value.toString(16).padStart(2 * WORD_BYTES, "0")}`);
}
