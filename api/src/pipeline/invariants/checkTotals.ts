import type { PoolClient } from "pg";
import type { Report } from "./violation.ts";

// Months are those of createdAt in UTC, as the accepting statement counts them. Every row of either side that lacks its equal.
const MONTHS = `
  SELECT tenant_id, month::text, counted.hashes AS counted, found.hashes AS found
  FROM app.monthly_hashes counted
  FULL JOIN (
    SELECT tenant_id, date_trunc('month', created_at AT TIME ZONE 'UTC')::date AS month, count(*) AS hashes
    FROM app.submissions GROUP BY 1, 2
  ) found USING (tenant_id, month)
  WHERE coalesce(counted.hashes, 0) <> coalesce(found.hashes, 0)`;

const BATCHES = `
  SELECT tenant_id, counted.batches AS counted_batches, found.batches AS found_batches,
         counted.anchored_hashes AS counted_hashes, found.anchored_hashes AS found_hashes
  FROM app.tenant_totals counted
  FULL JOIN (
    SELECT own.tenant_id, count(*) AS batches, coalesce(sum(own.hashes) FILTER (WHERE b.state = 'anchored'), 0)::bigint AS anchored_hashes
    FROM app.batch_tenants own JOIN app.batches b ON b.id = own.batch_id GROUP BY 1
  ) found USING (tenant_id)
  WHERE (coalesce(counted.batches, 0), coalesce(counted.anchored_hashes, 0))
     <> (coalesce(found.batches, 0), coalesce(found.anchored_hashes, 0))`;

type MonthRow = { tenant_id: string; month: string; counted: number | null; found: number | null };
type BatchesRow = {
  tenant_id: string;
  counted_batches: number | null;
  found_batches: number | null;
  counted_hashes: number | null;
  found_hashes: number | null;
};

/** The counters that statistics and quotas are answered from, against the rows that they count (HA-6, HA-14). */
export async function checkTotals(tx: PoolClient, report: Report): Promise<void> {
  const months = await tx.query<MonthRow>(MONTHS);
  for (const { tenant_id, month, counted, found } of months.rows)
    report({
      kind: "totalsWrong",
      found: `tenant ${tenant_id}: ${counted ?? 0} hashes counted in ${month}, ${found ?? 0} found`,
    });
  const batches = await tx.query<BatchesRow>(BATCHES);
  for (const row of batches.rows)
    report({
      kind: "totalsWrong",
      found:
        `tenant ${row.tenant_id}: ${row.counted_batches ?? 0} batches and ${row.counted_hashes ?? 0} anchored hashes counted, ` +
        `${row.found_batches ?? 0} and ${row.found_hashes ?? 0} found`,
    });
}
