import { createKeccak, type IHasher } from "hash-wasm";
import { InvalidLengthError } from "./bytes.ts";
import { requireLeafIndex } from "./merklePath.ts";

const NODE_BYTES = 32;
const WORD_BYTES = 4;
const NODE_WORDS = NODE_BYTES / WORD_BYTES;

/**
 * A whole tree in one buffer.
 * `nodes` holds all levels one after the other, the leaves first and the root last, 32 bytes a node. A node without a
 * sibling is promoted: it stands again, unchanged, in the next level, so that level k has ⌈leafCount / 2^k⌉ nodes and the
 * place of every node follows from leafCount alone. That is at most 64 bytes a leaf and 32 more a level.
 */
export type MerkleTree = { leafCount: number; root: Uint8Array; nodes: Uint8Array };

/** `offset` counts nodes of 32 bytes from the start of `nodes`. */
export type ProofNodeOffset = { offset: number; position: "left" | "right" };

export type ProofNode = { position: "left" | "right"; data: Uint8Array };

/** buildTree was called before loadKeccak had answered. */
export class KeccakNotLoadedError extends Error {
  override readonly name = "KeccakNotLoadedError";

  constructor() {
    super("loadKeccak() must have answered before a tree is built");
  }
}

let hasher: IHasher | null = null;
let loading: Promise<void> | null = null;

/** Compiles the WebAssembly hasher, once per process; await it before the first buildTree. */
export function loadKeccak(): Promise<void> {
  loading ??= createKeccak(256).then((created) => {
    hasher = created;
  });
  return loading;
}

/**
 * Tree over leaves in their order: keccak256, sorted pairs, odd node promoted.
 * Source: merkletreejs `{ sortPairs: true }`, OpenZeppelin MerkleProof.
 * @param leaves content hashes, 32 bytes each, one after the other; copied, not kept.
 * @throws {InvalidLengthError} unless there is at least one whole leaf and nothing beside.
 * @throws {KeccakNotLoadedError} before loadKeccak has answered.
 */
export function buildTree(leaves: Uint8Array): MerkleTree {
  if (leaves.length === 0 || leaves.length % NODE_BYTES !== 0) {
    const whole = Math.max(1, Math.ceil(leaves.length / NODE_BYTES));
    throw new InvalidLengthError("leaves", { expected: whole * NODE_BYTES, actual: leaves.length });
  }
  const keccak = hasher;
  if (keccak === null) throw new KeccakNotLoadedError();

  const leafCount = leaves.length / NODE_BYTES;
  const nodes = new Uint8Array(nodeCountOf(leafCount) * NODE_BYTES);
  nodes.set(leaves);
  let level = 0;
  for (let size = leafCount; size > 1; size = Math.ceil(size / 2)) {
    hashLevel(keccak, nodes, level, size);
    level += size * NODE_BYTES;
  }
  return { leafCount, root: nodes.slice(nodes.length - NODE_BYTES), nodes };
}

/**
 * Where the siblings of a leaf stand in a stored tree, from the leaf upwards: log₂(leafCount) slices make a proof.
 * @throws {LeafIndexOutOfRangeError} unless 0 ≤ leafIndex < leafCount.
 */
export function proofNodeOffsets(leafCount: number, leafIndex: number): ProofNodeOffset[] {
  requireLeafIndex(leafCount, leafIndex);
  const offsets: ProofNodeOffset[] = [];
  let level = 0;
  let index = leafIndex;
  for (let size = leafCount; size > 1; size = Math.ceil(size / 2)) {
    const position = index % 2 === 0 ? "right" : "left";
    const sibling = position === "right" ? index + 1 : index - 1;
    if (sibling < size) offsets.push({ offset: level + sibling, position });
    level += size;
    index = Math.floor(index / 2);
  }
  return offsets;
}

/**
 * Siblings of a leaf from the leaf upwards, as copies.
 * @throws {LeafIndexOutOfRangeError} unless 0 ≤ leafIndex < leafCount.
 */
export function pathOf(tree: MerkleTree, leafIndex: number): ProofNode[] {
  return proofNodeOffsets(tree.leafCount, leafIndex).map(({ offset, position }) => ({
    position,
    data: tree.nodes.slice(offset * NODE_BYTES, (offset + 1) * NODE_BYTES),
  }));
}

function nodeCountOf(leafCount: number): number {
  let count = 1;
  for (let size = leafCount; size > 1; size = Math.ceil(size / 2)) count += size;
  return count;
}

/** What hashLevel hashes: made once, as making it costs a small tree more than a hash. */
const pair = new Uint8Array(2 * NODE_BYTES);
const pairWords = new Int32Array(pair.buffer);

/** Writes the parents of the `size` nodes at byte `level` right behind them. */
function hashLevel(keccak: IHasher, nodes: Uint8Array, level: number, size: number): void {
  // Copying a pair word by word costs a tenth of hashing it; a subarray for each pair costs a fifth.
  const words = new Int32Array(nodes.buffer);
  const end = level + size * NODE_BYTES;
  let parent = end;
  let left = level;
  for (; left + NODE_BYTES < end; left += 2 * NODE_BYTES) {
    const right = left + NODE_BYTES;
    const isLeftFirst = isSorted(nodes, left);
    const first = (isLeftFirst ? left : right) / WORD_BYTES;
    const second = (isLeftFirst ? right : left) / WORD_BYTES;
    for (let word = 0; word < NODE_WORDS; word++) {
      pairWords[word] = words[first + word]!;
      pairWords[NODE_WORDS + word] = words[second + word]!;
    }
    nodes.set(keccak.init().update(pair).digest("binary"), parent);
    parent += NODE_BYTES;
  }
  if (left < end) nodes.copyWithin(parent, left, end);
}

/** Whether the node at byte `left` is not above the one behind it. */
function isSorted(nodes: Uint8Array, left: number): boolean {
  for (let i = left; i < left + NODE_BYTES; i++) {
    const difference = nodes[i]! - nodes[i + NODE_BYTES]!;
    if (difference !== 0) return difference < 0;
  }
  return true;
}
