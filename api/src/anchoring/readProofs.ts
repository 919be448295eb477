import type { Hex } from "#protocol/bytes.ts";
import { proofNodeOffsets } from "#protocol/merkleTree.ts";
import type { ReceiptProofStep } from "#protocol/receipt.ts";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";

/** `blockHash`: of the anchor that the proof is to stand beside. */
export type ProofWanted = { batchId: string; blockHash: Buffer; leafCount: number; leafIndex: number };

/** What a receipt has beside the anchor. */
export type SignedProof = { proof: ReceiptProofStep[]; signature: Buffer; kid: string; publicKey: Buffer };

type Row = { place: number; path: Buffer | null; signature: Buffer; kid: string; public_key: Buffer };

const NODE_BYTES = 32;
const SIGNATURE_BYTES = 64;

// substr on an uncompressed out-of-line value reads just the slice: log2(n) of them make a path.
const READ = `
  SELECT wanted.place::int, r.kid, k.public_key, substr(r.signatures, wanted.leaf_index * ${SIGNATURE_BYTES} + 1, ${SIGNATURE_BYTES}) AS signature,
    (SELECT string_agg(substr(t.nodes, node.start, ${NODE_BYTES}), ''::bytea ORDER BY node.level)
     FROM unnest(wanted.starts::int[]) WITH ORDINALITY AS node (start, level)) AS path
  FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bytea[]) WITH ORDINALITY AS wanted (batch_id, leaf_index, starts, block_hash, place)
  JOIN app.batches b ON b.id = wanted.batch_id AND b.block_hash = wanted.block_hash
  JOIN app.batch_trees t ON t.batch_id = wanted.batch_id
  JOIN app.batch_receipts r ON r.batch_id = wanted.batch_id
  JOIN app.signing_keys k ON k.kid = r.kid`;

/**
 * Reads Merkle paths and signatures of leaves; null for a batch that has no receipts (any more), or has been anchored anew in another
 * block: signatures are over that one.
 */
export function createProofReader({ pool }: Database): (wanted: ProofWanted) => Promise<SignedProof | null> {
  return groupCalls(
    async (wanted: ProofWanted[]) => {
      const paths = wanted.map(({ leafCount, leafIndex }) => proofNodeOffsets(leafCount, leafIndex));
      const values = [
        wanted.map(({ batchId }) => batchId),
        wanted.map(({ leafIndex }) => leafIndex),
        paths.map((path) => `{${path.map(({ offset }) => offset * NODE_BYTES + 1).join(",")}}`),
        wanted.map(({ blockHash }) => blockHash),
      ];
      const { rows } = await pool.query<Row>({ name: "read-proofs", text: READ, values });
      const proofs: (SignedProof | null)[] = wanted.map(() => null);
      for (const row of rows) {
        const place = row.place - 1;
        const proof = paths[place]!.map(({ position }, level) => ({
          position,
          data: nodeAt(row.path!, level),
        }));
        proofs[place] = { proof, signature: row.signature, kid: row.kid, publicKey: row.public_key };
      }
      return proofs;
    },
    { weightMax: 200, concurrencyMax: 2 },
  );
}

function nodeAt(path: Buffer, level: number): Hex {
  return `0x${path.toString("hex", level * NODE_BYTES, (level + 1) * NODE_BYTES)}`;
}
