import type { Database } from "../db/client.ts";
import { monthOf } from "./plan.ts";

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
