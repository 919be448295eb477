import fc from "fast-check";
import { encodeAbiParameters, keccak256 } from "viem";
import { expect, test } from "vitest";
import { EMPTY_HEAD, nextHead, replayHead } from "./anchorHead.ts";
import { bytesToHex, InvalidLengthError } from "./bytes.ts";

const SOLIDITY_TYPES = [
  { type: "bytes32" },
  { type: "bytes32" },
  { type: "uint32" },
  { type: "uint256" },
] as const;

const word = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToHex);
const anchor = fc.record({
  root: word,
  leafCount: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  blockTimestamp: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
});

test("protocol §3: the next head is keccak256(abi.encode(previousHead, root, leafCount, block.timestamp))", () => {
  fc.assert(
    fc.property(word, anchor, (previous, { root, leafCount, blockTimestamp }) => {
      const encoded = encodeAbiParameters(SOLIDITY_TYPES, [previous, root, leafCount, blockTimestamp]);
      expect(nextHead(previous, { root, leafCount, blockTimestamp })).toBe(keccak256(encoded));
    }),
  );
});

test("protocol §3: a replay starts from zero and notices a missing, altered or swapped anchor", () => {
  expect(replayHead([])).toBe(EMPTY_HEAD);
  const differing = fc.uniqueArray(anchor, { minLength: 2, maxLength: 8, selector: ({ root }) => root });
  fc.assert(
    fc.property(differing, (anchors) => {
      const head = replayHead(anchors);
      expect(replayHead(anchors.slice(1))).not.toBe(head);
      expect(replayHead(anchors.slice(0, -1))).not.toBe(head);
      expect(replayHead(anchors.toReversed())).not.toBe(head);
      expect(
        replayHead(anchors.with(0, { ...anchors[0]!, leafCount: (anchors[0]!.leafCount + 1) % 2 ** 32 })),
      ).not.toBe(head);
    }),
  );
});

test("what does not fit its Solidity type is refused, not cut", () => {
  const link = { root: EMPTY_HEAD, leafCount: 1, blockTimestamp: 1 };
  expect(() => nextHead("0x00", link)).toThrow(InvalidLengthError);
  expect(() => nextHead(EMPTY_HEAD, { ...link, root: "0x00" })).toThrow(InvalidLengthError);
  expect(() => nextHead(EMPTY_HEAD, { ...link, leafCount: 2 ** 32 })).toThrow(RangeError);
  expect(() => nextHead(EMPTY_HEAD, { ...link, leafCount: 0.5 })).toThrow(RangeError);
  expect(() => nextHead(EMPTY_HEAD, { ...link, blockTimestamp: -1 })).toThrow(RangeError);
});
