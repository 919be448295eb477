import { hash } from "node:crypto";
import { type Hex, hexToBytes } from "#protocol/bytes.ts";
import { buildTree, loadKeccak, type MerkleTree } from "#protocol/merkleTree.ts";
import { FORGED, GENUINE, type TestRecord } from "./records.ts";

await loadKeccak();

/** `hashes`: the leaves. */
export type Batch = { name: string; hashes: readonly Hex[]; tree: MerkleTree };

/** A transaction that anchors one batch or several. */
export type Anchoring = {
  by: "service" | "forger";
  contract: "registry" | "copy";
  batches: readonly Batch[];
};

/** Content hash of a document that there is not. */
export function contentHash(name: string): Hex {
  return `0x${hash("sha256", `Holdfast corpus, document: ${name}`, "hex")}`;
}

function batch(name: string, hashes: readonly Hex[]): Batch {
  const tree = buildTree(Buffer.concat(hashes.map(hexToBytes)));
  return { name, hashes, tree };
}

function documents(name: string, size: number): Batch {
  return batch(
    name,
    Array.from({ length: size }, (_, place) => contentHash(`${name} ${place}`)),
  );
}

function records(name: string, these: Record<string, TestRecord>): Batch {
  return batch(
    name,
    Object.values(these).map(({ digest }) => `0x${digest}` as const),
  );
}

const byService = (...batches: Batch[]): Anchoring => ({ by: "service", contract: "registry", batches });

/** What is anchored, block by block, and in a block one transaction after the other. */
export const BATCHES: readonly (readonly Anchoring[])[] = [
  [byService(documents("one", 1))],
  [byService(documents("two", 2))],
  [byService(documents("three", 3))],
  [byService(documents("seven", 7))],
  [byService(documents("thirteen", 13))],
  [byService(records("consents", GENUINE))],
  // A customer of the service may have any hash anchored, also the digest of a record of its own
  // making.
  [byService(records("hashes of forged records", FORGED))],
  [{ by: "forger", contract: "registry", batches: [documents("forger's", 2)] }],
  [{ by: "service", contract: "copy", batches: [documents("in the copy", 2)] }],
  [
    { by: "forger", contract: "registry", batches: [documents("forger's in a shared block", 1)] },
    byService(documents("many 1", 1), documents("many 2", 2), documents("many 3", 4)),
  ],
  [byService(documents("last", 4))],
];
