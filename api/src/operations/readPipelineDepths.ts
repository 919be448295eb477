import { readIndexedUpTo } from "../chain/indexedAnchors.ts";
import type { Database } from "../db/client.ts";

/** How much of a chain's work lies where. */
export type PipelineDepth = {
  chainId: number;
  pendingHashes: number;
  oldestPendingAt: Date | null;
  batches: { sealed: number; broadcast: number; anchored: number };
  oldestOpenBatchAt: Date | null;
  /** Of transactions that carry anchored batches; each transaction once. */
  gasUsed: number;
  headsReadAt: Date | null;
  /** Null until a worker has read the chain's head and an index is read. */
  blocksBehind: number | null;
};

type Row = {
  chain_id: number;
  latest_block: number | null;
  heads_read_at: Date | null;
  pending: number;
  oldest_pending_at: Date | null;
  sealed: number;
  broadcast: number;
  anchored: number;
  oldest_open_at: Date | null;
  gas_used: string;
};

// The pending index and that of open batches hold only what is on its way: reading them takes as long as the queue is.
const DEPTHS = `
  SELECT c.chain_id, c.latest_block, c.heads_read_at, p.pending, p.oldest_pending_at,
         b.sealed, b.broadcast, b.oldest_open_at, a.anchored, g.gas_used
  FROM app.chains c
  CROSS JOIN LATERAL (
    SELECT count(*) AS pending, min(created_at) AS oldest_pending_at
    FROM app.submissions WHERE chain_id = c.chain_id AND batch_id IS NULL) p
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'sealed') AS sealed, count(*) FILTER (WHERE state = 'broadcast') AS broadcast,
           min(sealed_at) AS oldest_open_at
    FROM app.batches WHERE chain_id = c.chain_id AND state <> 'anchored') b
  CROSS JOIN LATERAL (
    SELECT count(*) AS anchored FROM app.batches WHERE chain_id = c.chain_id AND state = 'anchored') a
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(gas_used), 0)::text AS gas_used
    FROM (SELECT DISTINCT tx_hash, gas_used FROM app.batches WHERE chain_id = c.chain_id AND state = 'anchored') t) g
  ORDER BY c.chain_id`;

/** Reads the pipeline's depths and ages of every chain. */
export async function readPipelineDepths(db: Database): Promise<PipelineDepth[]> {
  const [{ rows }, upTo] = await Promise.all([db.pool.query<Row>(DEPTHS), readIndexedUpTo(db)]);
  return rows.map((row) => {
    const indexed = upTo.get(row.chain_id);
    const isKnown = indexed !== undefined && row.latest_block !== null;
    return {
      chainId: row.chain_id,
      pendingHashes: row.pending,
      oldestPendingAt: row.oldest_pending_at,
      batches: { sealed: row.sealed, broadcast: row.broadcast, anchored: row.anchored },
      oldestOpenBatchAt: row.oldest_open_at,
      gasUsed: Number(row.gas_used),
      headsReadAt: row.heads_read_at,
      blocksBehind: isKnown ? Math.max(0, row.latest_block! - indexed) : null,
    };
  });
}
