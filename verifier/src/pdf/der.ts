/** One value in DER (ITU-T X.690). `bytes` is all of it: tag, length and `content`. */
export type Der = { tag: number; content: Uint8Array; bytes: Uint8Array };

export const TAG = {
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
  set: 0x31,
  /** `[0]`, `[1]` … of a constructed type. */
  context: (number: number) => 0xa0 + number,
};

const LENGTH_BYTES_MAX = 4;
/** No registered identifier comes near; the arithmetic is quadratic in this. */
const IDENTIFIER_BYTES_MAX = 64;

/** The bytes are no DER. */
export class InvalidDerError extends Error {
  override name = "InvalidDerError";
}

/**
 * The value that `bytes` begin with.
 * @throws {InvalidDerError} also for BER that is not DER, and for tags of more than one byte, which
 * CMS does not have.
 */
export function firstDer(bytes: Uint8Array): Der {
  const [tag, firstLength] = bytes;
  if (tag === undefined || firstLength === undefined || (tag & 0x1f) === 0x1f) throw new InvalidDerError();
  const lengthBytes = firstLength < 0x80 ? 0 : firstLength & 0x7f;
  const start = 2 + lengthBytes;
  const length = lengthBytes === 0 ? firstLength : longLength(bytes.subarray(2, start));
  if (firstLength === 0x80 || start + length > bytes.length) throw new InvalidDerError();
  return { tag, content: bytes.subarray(start, start + length), bytes: bytes.subarray(0, start + length) };
}

/**
 * The values that a constructed one consists of.
 * @throws {InvalidDerError} also unless it has that tag.
 */
export function childrenOf(der: Der | undefined, tag: number): Der[] {
  const children: Der[] = [];
  let rest = contentOf(der, tag);
  while (rest.length > 0) {
    const child = firstDer(rest);
    children.push(child);
    rest = rest.subarray(child.bytes.length);
  }
  return children;
}

/** @throws {InvalidDerError} unless the value has that tag. */
export function contentOf(der: Der | undefined, tag: number): Uint8Array {
  if (der?.tag !== tag) throw new InvalidDerError();
  return der.content;
}

/** Dotted decimal. @throws {InvalidDerError} */
export function objectIdentifierOf(der: Der | undefined): string {
  const numbers: bigint[] = [];
  let number = 0n;
  const content = contentOf(der, TAG.objectIdentifier);
  const isWhole = content.length > 0 && content.at(-1)! < 0x80;
  if (!isWhole || content.length > IDENTIFIER_BYTES_MAX) throw new InvalidDerError();
  for (const byte of content) {
    number = number * 128n + BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(number);
    number = 0n;
  }
  const [joined, ...others] = numbers;
  const first = joined! < 80n ? joined! / 40n : 2n;
  return [first, joined! - first * 40n, ...others].join(".");
}

function longLength(bytes: Uint8Array): number {
  const length = bytes.reduce((number, byte) => number * 256 + byte, 0);
  const isShortest = length >= 0x80 && bytes[0] !== 0;
  if (bytes.length > LENGTH_BYTES_MAX || !isShortest) throw new InvalidDerError();
  return length;
}
