import type { Database } from "../db/client.ts";
import { UnavailableError } from "../errors.ts";
import { DEAD_LETTERS } from "./queues.ts";

export type DeadLetter = {
  id: string;
  /** What the job held, with its queue and, where it was kept, why it ended here. */
  data: Record<string, unknown>;
  /** When it ended here; seconds since 1970. */
  timestamp: number;
};

export type DeadLetterCounts = {
  /** Retried by an operator, in the last seven days. */
  completed: number;
  waiting: number;
  active: number;
};

type Row = { id: string; data: object | null; created_on: Date; source_name: string | null };
type CountRow = { state: string; jobs: number };

// pg-boss documents its table for reading; its own calls would read all dead letters to answer one page.
const WAITING = "name = $1 AND state IN ('created', 'retry')";

/** Dead letters that wait for an operator, the newest first. */
export async function readDeadLetters(
  { pool }: Pick<Database, "pool">,
  { limit, offset }: { limit: number; offset: number },
): Promise<DeadLetter[]> {
  const { rows } = await pool.query<Row>(
    `SELECT id, data, created_on, source_name FROM jobs.job WHERE ${WAITING} ORDER BY created_on DESC, id LIMIT $2 OFFSET $3`,
    [DEAD_LETTERS, limit, offset],
  );
  return rows.map(toDeadLetter);
}

/** @throws {UnavailableError} when the database has no such queue: it was migrated by a version without one. */
export async function countDeadLetters({ pool }: Pick<Database, "pool">): Promise<DeadLetterCounts> {
  const { rows: known } = await pool.query<{ is_known: boolean }>(
    "SELECT to_regclass('jobs.job') IS NOT NULL AS is_known",
  );
  if (!known[0]!.is_known) throw new UnavailableError("The dead letter queue is not configured");
  const { rows } = await pool.query<CountRow>(
    "SELECT state::text, count(*) AS jobs FROM jobs.job WHERE name = $1 GROUP BY state",
    [DEAD_LETTERS],
  );
  const jobs = new Map(rows.map((row) => [row.state, row.jobs]));
  return {
    completed: jobs.get("completed") ?? 0,
    waiting: (jobs.get("created") ?? 0) + (jobs.get("retry") ?? 0),
    active: jobs.get("active") ?? 0,
  };
}

/** A job that pg-boss itself gave up names its queue in a column; others do in their data. */
function toDeadLetter({ id, data, created_on, source_name }: Row): DeadLetter {
  const queue = source_name === null ? {} : { queue: source_name };
  return { id, data: { ...queue, ...data }, timestamp: Math.floor(created_on.getTime() / 1_000) };
}
