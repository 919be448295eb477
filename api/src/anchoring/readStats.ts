import { monthOf } from "../accounts/plan.ts";
import type { Context } from "../verb.ts";

type Row = { hashes: number; monthly: number; batches: number; anchored: number };

// Counters alone, of one moment: a row per month, kept by the statement that accepts, and one row, kept by those that seal batches
// and move them.
const READ = `
  SELECT month.hashes, month.monthly, coalesce(total.batches, 0) AS batches, coalesce(total.anchored_hashes, 0) AS anchored
  FROM (
    SELECT coalesce(sum(hashes), 0)::bigint AS hashes, coalesce(sum(hashes) FILTER (WHERE month = $2::date), 0)::bigint AS monthly
    FROM app.monthly_hashes WHERE tenant_id = $1
  ) month LEFT JOIN app.tenant_totals total ON total.tenant_id = $1`;

/** The caller's hashes and batches in numbers (HA-6). */
export async function readStats({ ctx: { db, caller, clock } }: { ctx: Context }) {
  const { rows } = await db.pool.query<Row>({
    name: "read-stats",
    text: READ,
    values: [caller.tenantId, monthOf(clock())],
  });
  const { hashes, monthly, batches, anchored } = rows[0]!;
  return {
    totalHashes: hashes,
    pendingHashes: hashes - anchored,
    anchoredHashes: anchored,
    totalBatches: batches,
    failedBatches: 0, // no batch ends so (pipeline/batchState.ts)
    monthlyHashes: monthly,
  };
}
