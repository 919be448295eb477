import type { Hex } from "#protocol/bytes.ts";
import { RpcUnusableError } from "./rpcError.ts";

type Members = Record<string, unknown>;

const QUANTITY = /^0x[0-9a-fA-F]{1,64}$/;
const HASH = /^0x[0-9a-fA-F]{64}$/;
const BYTES = /^0x[0-9a-fA-F]*$/;
const WORD_DIGITS = 64;

/**
 * @throws {RpcUnusableError} like the others here, when a node's answer is not of the kind that was
 * asked for.
 */
export function quantityOf(value: unknown): bigint {
  return BigInt(textLike(QUANTITY, value));
}

/** In lower case. */
export function hashOf(value: unknown): Hex {
  return textLike(HASH, value).toLowerCase() as Hex;
}

export function bytesOf(value: unknown): Hex {
  const bytes = textLike(BYTES, value);
  if (bytes.length % 2 === 0) return bytes as Hex;
  throw new RpcUnusableError("the node's answer has half a byte");
}

export function objectOf(value: unknown): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw new RpcUnusableError("the node's answer is no object");
}

export function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new RpcUnusableError("the node's answer is no list");
}

function textLike(pattern: RegExp, value: unknown): string {
  if (typeof value === "string" && pattern.test(value)) return value;
  throw new RpcUnusableError("the node's answer is not of the kind that was asked for");
}

/** The 32-byte words of ABI-encoded bytes as numbers; null unless there are exactly `count`. */
export function wordsOf(bytes: Hex | null, count: number): bigint[] | null {
  if (bytes?.length !== 2 + count * WORD_DIGITS) return null;
  return Array.from({ length: count }, (_, place) => {
    const start = 2 + place * WORD_DIGITS;
    return BigInt(`0x${bytes.slice(start, start + WORD_DIGITS)}`);
  });
}
