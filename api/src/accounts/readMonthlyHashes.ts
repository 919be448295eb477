import type { Database } from "../db/client.ts";
import { monthOf, type Plan, type PlanLimits, type Quota } from "./plan.ts";

/** Raised by app.within_quota (migration 0004). */
const OVER_QUOTA = "HF001";

export function isOverQuota(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === OVER_QUOTA;
}

/** Hashes that a tenant has submitted in the month of `time` (UTC), duplicates not counted. */
export async function readMonthlyHashes({ pool }: Database, tenantId: string, time: Date): Promise<number> {
  const { rows } = await pool.query<{ hashes: number }>(
    "SELECT hashes FROM app.monthly_hashes WHERE tenant_id = $1 AND month = $2::date",
    [tenantId, monthOf(time)],
  );
  return rows[0]?.hashes ?? 0;
}

/** What a tenant's plan is now, and what of it is used this month; null without a plan. */
export async function readQuota(
  { pool }: Database,
  tenantId: string,
  { planLimits, time }: { planLimits: PlanLimits; time: Date },
): Promise<Quota | null> {
  const { rows } = await pool.query<{ plan: Plan; hashes: number | null }>(
    `SELECT t.plan, m.hashes FROM app.tenants t
     LEFT JOIN app.monthly_hashes m ON m.tenant_id = t.id AND m.month = $2::date
     WHERE t.id = $1 AND t.plan IS NOT NULL`,
    [tenantId, monthOf(time)],
  );
  const [row] = rows;
  return row === undefined ? null : { limit: planLimits[row.plan], used: row.hashes ?? 0 };
}
