/** How many vendors a string may name: far beyond any that a consent platform writes, and decoded within milliseconds. */
export const NAMED_VENDORS_MAX = 20_000;

/** Bits of a core segment before its first list of vendors. Source: IAB TCF v2.3 "The Core String"; GPP, TCF Canada v1.1. */
export const EU_CORE_BITS = 213;
export const CANADA_CORE_BITS = 199;

const SEGMENT_TYPE_BITS = 3;
const RESTRICTION_BITS = 8; // purpose 6, type 2

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * How many vendor ids the ranges of a TCF string (all its segments) stand for: 33 bits can name 65,535 of them, and decoders write
 * out each, so that a short string could keep one busy for minutes. Whatever else is wrong with a string its decoder finds.
 */
export function countNamedVendors(encoded: string, coreBits: number): number {
  let count = 0;
  for (const segment of encoded.split(".")) {
    const type = DIGITS.indexOf(segment.charAt(0)) >> 3;
    const bits = new Bits(segment);
    if (type === 0) count += countInCore(bits, coreBits);
    else if (type === 1 || type === 2) {
      bits.skip(SEGMENT_TYPE_BITS);
      count += countInList(bits);
    }
    if (count > NAMED_VENDORS_MAX) break;
  }
  return count;
}

/** Two lists of vendors, then the publisher's restrictions, each of which has ranges of its own. */
function countInCore(bits: Bits, coreBits: number): number {
  bits.skip(coreBits);
  let count = countInList(bits) + countInList(bits);
  for (let restrictions = bits.read(12); restrictions > 0 && !bits.ended; restrictions--) {
    bits.skip(RESTRICTION_BITS);
    count += countInRanges(bits);
  }
  return count;
}

function countInList(bits: Bits): number {
  const vendorIdMax = bits.read(16);
  if (bits.read(1) === 1) return countInRanges(bits);
  bits.skip(vendorIdMax);
  return vendorIdMax;
}

function countInRanges(bits: Bits): number {
  let count = 0;
  for (let ranges = bits.read(12); ranges > 0 && !bits.ended; ranges--) {
    const isRange = bits.read(1) === 1;
    const first = bits.read(16);
    count += isRange ? Math.max(0, bits.read(16) - first) + 1 : 1;
  }
  return count;
}

/** Reads whole numbers, most significant bit first, from base64url; beyond the end every bit is 0. */
class Bits {
  readonly #digits: string;
  #at = 0;
  constructor(base64Url: string) {
    this.#digits = base64Url;
  }
  get ended(): boolean {
    return this.#at >= this.#digits.length * 6;
  }
  skip(bits: number): void {
    this.#at += bits;
  }
  read(bits: number): number {
    let value = 0;
    for (const end = this.#at + bits; this.#at < end; this.#at++) {
      const digit = Math.max(0, DIGITS.indexOf(this.#digits.charAt(Math.floor(this.#at / 6)) || "A"));
      value = value * 2 + ((digit >> (5 - (this.#at % 6))) & 1);
    }
    return value;
  }
}
