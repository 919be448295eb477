import type { PoolClient } from "pg";
import type { Report } from "./violation.ts";

/** Submissions that one statement looks at. */
const RANGE_ROWS = 10_000;
const FIRST: Buffer = Buffer.alloc(0);
const LAST = Buffer.alloc(33, 0xff);

const RANGE_END =
  "SELECT content_hash FROM app.submissions WHERE content_hash > $1 ORDER BY content_hash OFFSET $2 LIMIT 1";

const MISPLACED = `
  SELECT s.id, s.content_hash, s.batch_id, s.leaf_index, b.chain_id = s.chain_id AS is_batch_known
  FROM app.submissions s
  LEFT JOIN app.batches b ON b.id = s.batch_id
  LEFT JOIN app.batch_trees t ON t.batch_id = s.batch_id
  WHERE s.content_hash > $1 AND s.content_hash <= $2 AND s.batch_id IS NOT NULL
    AND CASE WHEN (b.chain_id = s.chain_id) IS NOT TRUE THEN true
             WHEN t.batch_id IS NULL THEN false -- told of the batch
             WHEN s.leaf_index BETWEEN 0 AND b.leaf_count - 1
             THEN substr(t.nodes, s.leaf_index * 32 + 1, 32) <> s.content_hash
             ELSE true END`;

// As public verification orders them (anchoring/findLeaves.ts). Batches of equal leaves share one anchor, and their receipts
// are the same; what must not be is two that differ.
const AMBIGUOUS = `
  SELECT s.content_hash, count(*) AS claims
  FROM app.submissions s JOIN app.batches b ON b.id = s.batch_id AND b.state = 'anchored'
  WHERE s.content_hash > $1 AND s.content_hash <= $2
  GROUP BY s.content_hash, b.block_timestamp, b.chain_id, b.block_number, b.log_index
  HAVING count(DISTINCT s.id) < count(*)
      OR count(DISTINCT ROW(b.publisher, b.root, b.leaf_count, s.leaf_index, b.tx_hash, b.block_hash)) > 1`;

type Misplaced = {
  id: string;
  content_hash: Buffer;
  batch_id: string | null;
  leaf_index: number | null;
  is_batch_known: boolean | null;
};

/** Looks at every submission, in the order of content hashes, some at a time. */
export async function checkSubmissions(
  tx: PoolClient,
  report: Report,
  onProgress: (submissions: number) => void,
): Promise<void> {
  for (let after = FIRST; ; ) {
    const end = await findRangeEnd(tx, after);
    await checkRange(tx, after, end ?? LAST, report);
    if (end === null) return;
    onProgress(RANGE_ROWS);
    after = end;
  }
}

async function findRangeEnd(tx: PoolClient, after: Buffer): Promise<Buffer | null> {
  const { rows } = await tx.query<{ content_hash: Buffer }>(RANGE_END, [after, RANGE_ROWS - 1]);
  return rows[0]?.content_hash ?? null;
}

async function checkRange(tx: PoolClient, after: Buffer, end: Buffer, report: Report): Promise<void> {
  const misplaced = await tx.query<Misplaced>(MISPLACED, [after, end]);
  for (const row of misplaced.rows) {
    report({
      kind: row.is_batch_known ? "leafMisplaced" : "batchUnknown",
      batchId: row.batch_id,
      contentHash: `0x${row.content_hash.toString("hex")}`,
      found: `submission ${row.id}, leaf index ${row.leaf_index}`,
    });
  }
  const ambiguous = await tx.query<{ content_hash: Buffer; claims: number }>(AMBIGUOUS, [after, end]);
  for (const { content_hash, claims } of ambiguous.rows) {
    report({
      kind: "earliestAmbiguous",
      contentHash: `0x${content_hash.toString("hex")}`,
      found: `${claims} submissions with the same claim`,
    });
  }
}
