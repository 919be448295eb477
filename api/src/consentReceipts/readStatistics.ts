import type { Database } from "../db/client.ts";

export type Counts = { total: number; accepted: number; declined: number; noAction: number };
export type Statistics = Counts & {
  subjects: number;
  byTarget: (Counts & { target: string })[];
  byScope: (Counts & { scope: string })[];
  from: string | null;
  to: string | null;
};

// One statement sees one state of the table: the parts add up to the total. It reads the rows once.
const STATISTICS = `
  WITH own AS MATERIALIZED (
    SELECT action, target, scope, person_digest FROM app.consents WHERE tenant_id = $1 AND surface = 'receipts'
      AND ($2::timestamptz IS NULL OR created_at >= $2) AND ($3::timestamptz IS NULL OR created_at < $3)),
  counted AS (
    SELECT GROUPING(target, scope) AS part, target, scope, count(*)::int AS total,
      count(*) FILTER (WHERE action = 'grant')::int AS accepted,
      count(*) FILTER (WHERE action IN ('decline', 'withdraw'))::int AS declined,
      count(*) FILTER (WHERE action = 'none')::int AS "noAction"
    FROM own GROUP BY GROUPING SETS ((), (target), (scope)))
  SELECT counted.*, (SELECT count(DISTINCT person_digest)::int FROM own) AS subjects
  FROM counted ORDER BY total DESC, target, scope`;

/** Bits of columns that a row sums over, as PostgreSQL's GROUPING has them: target 2, scope 1. */
const PARTS = { whole: 3, byTarget: 1, byScope: 2 };

type Row = Counts & { part: number; target: string; scope: string; subjects: number };

/** The tenant's events in a time, counted (SG-7). Subjects that were erased are not counted among the subjects any more. */
export async function readStatistics(
  { pool }: Database,
  tenantId: string,
  { from, to }: { from: Date | null; to: Date | null },
): Promise<Statistics> {
  const { rows } = await pool.query<Row>(STATISTICS, [tenantId, from, to]);
  const of = (part: number) => rows.filter((row) => row.part === part);
  const whole = of(PARTS.whole)[0]!;
  return {
    ...countsOf(whole),
    subjects: whole.subjects,
    byTarget: of(PARTS.byTarget).map((row) => ({ target: row.target, ...countsOf(row) })),
    byScope: of(PARTS.byScope).map((row) => ({ scope: row.scope, ...countsOf(row) })),
    from: from?.toISOString() ?? null,
    to: to?.toISOString() ?? null,
  };
}

function countsOf({ total, accepted, declined, noAction }: Row): Counts {
  return { total, accepted, declined, noAction };
}
