import type { Database } from "../db/client.ts";

export type Counts = { total: number; accepted: number; declined: number; noAction: number };
export type Statistics = Counts & {
  subjects: number;
  byTarget: (Counts & { target: string })[];
  byScope: (Counts & { scope: string })[];
  from: string | null;
  to: string | null;
};

const COUNTS = `
  count(*)::int AS total, count(*) FILTER (WHERE action = 'grant')::int AS accepted,
  count(*) FILTER (WHERE action IN ('decline', 'withdraw'))::int AS declined, count(*) FILTER (WHERE action = 'none')::int AS "noAction"`;
const OWN = `
  FROM app.consents WHERE tenant_id = $1 AND surface = 'receipts'
    AND ($2::timestamptz IS NULL OR created_at >= $2) AND ($3::timestamptz IS NULL OR created_at < $3)`;
const TOTAL = `SELECT ${COUNTS}, count(DISTINCT person_digest)::int AS subjects ${OWN}`;
const by = (column: "target" | "scope") =>
  `SELECT ${column}, ${COUNTS} ${OWN} GROUP BY ${column} ORDER BY total DESC, ${column}`;

/** The tenant's events in a time, counted (SG-7). Subjects that were erased are not counted among the subjects any more. */
export async function readStatistics(
  { pool }: Database,
  tenantId: string,
  { from, to }: { from: Date | null; to: Date | null },
): Promise<Statistics> {
  const values = [tenantId, from, to];
  const [total, byTarget, byScope] = await Promise.all([
    pool.query<Counts & { subjects: number }>(TOTAL, values),
    pool.query<Counts & { target: string }>(by("target"), values),
    pool.query<Counts & { scope: string }>(by("scope"), values),
  ]);
  return {
    ...total.rows[0]!,
    byTarget: byTarget.rows,
    byScope: byScope.rows,
    from: from?.toISOString() ?? null,
    to: to?.toISOString() ?? null,
  };
}
