import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { createKeccak } from "hash-wasm";
import { MerkleTree as MerkleTreeJs } from "merkletreejs";
import { buildTree, loadKeccak } from "#protocol/merkleTree.ts";
import type { Row } from "./row.ts";

const LEAF_COUNTS = [100_000, 1_000_000];
const ROUNDS = 5;

/** The tree against merkletreejs, against bare keccak calls, and its memory; ratios within one run. */
export async function run(): Promise<Row[]> {
  await loadKeccak();
  const rows: Row[] = [];
  for (const leafCount of LEAF_COUNTS) rows.push(...(await measure(leafCount)));
  return rows;
}

async function measure(leafCount: number): Promise<Row[]> {
  const bytesPerLeaf = memoryPerLeaf(leafCount);
  const leaves = randomLeaves(leafCount);
  const hashRaw = await rawKeccak(leafCount);
  let tree = Number.POSITIVE_INFINITY;
  let raw = Number.POSITIVE_INFINITY;
  // Turn about and the best of each, so that a neighbour's load hits neither alone.
  for (let round = 0; round < ROUNDS; round++) {
    raw = Math.min(raw, cpuSeconds(hashRaw));
    tree = Math.min(
      tree,
      cpuSeconds(() => buildTree(leaves)),
    );
  }
  const merkletreejs = cpuSeconds(() => merkletreejsRoot(leaves));
  const measured = rate(leafCount, tree);
  const size = leafCount.toLocaleString("en");
  return [
    {
      name: `tree of ${size} leaves, against merkletreejs with @noble/hashes`,
      measured,
      baseline: rate(leafCount, merkletreejs),
      ratio: merkletreejs / tree,
      promise: "≥ 5",
    },
    {
      name: `tree of ${size} leaves, against bare keccak256 of 64 bytes`,
      measured,
      baseline: rate(leafCount, raw),
      ratio: raw / tree,
      promise: "≥ 0.8",
    },
    {
      name: `memory of a tree of ${size} leaves, leaves included`,
      measured: `${bytesPerLeaf.toFixed(0)} bytes a leaf`,
      baseline: "150 bytes a leaf",
      ratio: bytesPerLeaf / 150,
      promise: "≤ 1",
    },
  ];
}

/** As many hashes as the tree has pairs, by the fastest keccak among the maintained packages. */
async function rawKeccak(leafCount: number): Promise<() => void> {
  const keccak = await createKeccak(256);
  const input = crypto.getRandomValues(new Uint8Array(64));
  return () => {
    for (let i = 1; i < leafCount; i++) keccak.init().update(input).digest("binary");
  };
}

function merkletreejsRoot(leaves: Uint8Array): Buffer {
  const list = Array.from({ length: leaves.length / 32 }, (_, i) =>
    Buffer.from(leaves.subarray(i * 32, i * 32 + 32)),
  );
  return new MerkleTreeJs(list, (bytes: Buffer) => Buffer.from(keccak_256(bytes)), {
    sortPairs: true,
  }).getRoot();
}

function memoryPerLeaf(leafCount: number): number {
  const before = bytesHeld();
  const leaves = randomLeaves(leafCount);
  const tree = buildTree(leaves);
  const held = bytesHeld() - before;
  return Math.max(held, leaves.length + tree.nodes.length) / leafCount;
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What is reachable, without what earlier sections left behind. */
function bytesHeld(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function randomLeaves(leafCount: number): Uint8Array {
  const leaves = new Uint8Array(leafCount * 32);
  for (let i = 0; i < leaves.length; i += 65_536) crypto.getRandomValues(leaves.subarray(i, i + 65_536));
  return leaves;
}

/** Processor time, not wall time: what else runs on the machine must not decide. */
function cpuSeconds(work: () => unknown): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

function rate(leafCount: number, seconds: number): string {
  return `${(leafCount / seconds / 1e6).toFixed(2)} M leaves/s`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) console.table(await run());
