import { keccak_256 } from "@noble/hashes/sha3.js";
import { InvalidLengthError } from "./bytes.ts";

const NODE_BYTES = 32;

/** A leaf position that the tree does not have. */
export class LeafIndexOutOfRangeError extends Error {
  override readonly name = "LeafIndexOutOfRangeError";
  readonly leafCount: number;
  readonly leafIndex: number;

  constructor(leafCount: number, leafIndex: number) {
    super(`no leaf ${leafIndex} among ${leafCount}`);
    this.leafCount = leafCount;
    this.leafIndex = leafIndex;
  }
}

/**
 * Root that a leaf and its path lead to: keccak256 over each sorted pair.
 * Source: OpenZeppelin MerkleProof.processProof; merkletreejs `{ sortPairs: true }`.
 * @param leaf 32 bytes, the submitted content hash itself.
 * @param path siblings from the leaf upwards, 32 bytes each.
 * @throws {InvalidLengthError} unless every element has exactly 32 bytes.
 */
export function rootOf(leaf: Uint8Array, path: readonly Uint8Array[]): Uint8Array {
  requireNode(leaf, "leaf");
  let node = leaf;
  for (const sibling of path) {
    requireNode(sibling, "path element");
    node = hashPair(node, sibling);
  }
  return node.slice();
}

/**
 * Number of siblings on the path of a leaf, when an odd node is promoted unhashed.
 * Any other length is a forgery: leaves are raw, so an inner node could pose as a leaf with a shorter path.
 * @throws {LeafIndexOutOfRangeError} unless 0 ≤ leafIndex < leafCount, both whole numbers.
 */
export function expectedPathLength(leafCount: number, leafIndex: number): number {
  return expectedPositions(leafCount, leafIndex).length;
}

/**
 * On which side each sibling of a leaf stands, from the leaf upwards.
 * @throws {LeafIndexOutOfRangeError} unless 0 ≤ leafIndex < leafCount, both whole numbers.
 */
export function expectedPositions(leafCount: number, leafIndex: number): ("left" | "right")[] {
  requireLeafIndex(leafCount, leafIndex);
  const positions: ("left" | "right")[] = [];
  let index = leafIndex;
  for (let size = leafCount; size > 1; size = Math.ceil(size / 2)) {
    const isPromoted = index === size - 1 && size % 2 === 1;
    if (!isPromoted) positions.push(index % 2 === 0 ? "right" : "left");
    index = Math.floor(index / 2);
  }
  return positions;
}

/** @throws {LeafIndexOutOfRangeError} unless 0 ≤ leafIndex < leafCount, both whole numbers. */
export function requireLeafIndex(leafCount: number, leafIndex: number): void {
  const isInRange = Number.isSafeInteger(leafCount) && Number.isSafeInteger(leafIndex) && leafIndex >= 0;
  if (!isInRange || leafIndex >= leafCount) throw new LeafIndexOutOfRangeError(leafCount, leafIndex);
}

function hashPair(a: Uint8Array, b: Uint8Array): Uint8Array {
  const pair = new Uint8Array(2 * NODE_BYTES);
  const isSorted = compareNodes(a, b) <= 0;
  pair.set(isSorted ? a : b, 0);
  pair.set(isSorted ? b : a, NODE_BYTES);
  return keccak_256(pair);
}

function compareNodes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < NODE_BYTES; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return 0;
}

function requireNode(bytes: Uint8Array, what: string): void {
  if (bytes.length !== NODE_BYTES)
    throw new InvalidLengthError(what, { expected: NODE_BYTES, actual: bytes.length });
}
