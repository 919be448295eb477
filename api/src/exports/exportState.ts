import type { PoolClient } from "pg";
import type { ExportRow } from "../db/exports.ts";

/**
 * pending: its job waits. processing: an attempt writes its file. completed: the file is there, for 24 hours. failed: its job was
 * given up. expired: the file is gone.
 */
export type ExportState = ExportRow["state"];

/** The legal moves, by where they lead; there are no others. */
const REACHED_FROM: Record<ExportState, readonly ExportState[]> = {
  pending: [],
  // Again from processing: the attempt before died. From failed: an operator retried its dead letter.
  processing: ["pending", "processing", "failed"],
  completed: ["processing"],
  failed: ["pending", "processing"],
  expired: ["completed"],
};

/** How long a file is kept; milliseconds. */
export const FILE_KEPT_MS = 86_400_000;

/** Which export. */
export type ExportKey = { tenantId: string; id: string };
/** One attempt at an export: no other may finish it, and its file bears its id. */
export type ExportAttempt = ExportKey & { attempt: string };

type Queryable = Pick<PoolClient, "query">;
/** Further conditions of a move, and what it sets beside the state, as SQL: over `values` from $4 on. */
type Move = { to: ExportState; where?: string; set?: string; values?: unknown[] };

/** Moves one export. @returns whether it moved: not when another process has moved it, or the conditions do not hold. */
async function moveExport(db: Queryable, { tenantId, id }: ExportKey, move: Move): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE app.exports SET state = $2 ${move.set ? `, ${move.set}` : ""}
     WHERE tenant_id = $1 AND id = $3 AND state = ANY('{${REACHED_FROM[move.to].join(",")}}') ${move.where ? `AND ${move.where}` : ""}`,
    [tenantId, move.to, id, ...(move.values ?? [])],
  );
  return rowCount === 1;
}

/**
 * Begins an attempt, which ends every earlier one: a job that comes again, because its worker died or is thought dead, writes a
 * file of its own. @returns false when there is nothing to do any more.
 */
export function claimExport(db: Queryable, attempt: ExportAttempt, jobId: string): Promise<boolean> {
  return moveExport(db, attempt, {
    to: "processing",
    set: "attempt = $4, job_id = $5, total_rows = 0, failure = NULL",
    values: [attempt.attempt, jobId],
  });
}

/** @returns whether the attempt may still finish. */
export async function reportProgress(
  db: Queryable,
  { tenantId, id, attempt }: ExportAttempt,
  rows: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    "UPDATE app.exports SET total_rows = $4 WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'processing'",
    [tenantId, id, attempt, rows],
  );
  return rowCount === 1;
}

export function completeExport(
  db: Queryable,
  attempt: ExportAttempt,
  file: { rows: number; bytes: number; completedAt: Date },
): Promise<boolean> {
  return moveExport(db, attempt, {
    to: "completed",
    where: "attempt = $4",
    set: "total_rows = $5, bytes = $6, completed_at = $7",
    values: [attempt.attempt, file.rows, file.bytes, file.completedAt],
  });
}

/** @param failure for the tenant to read. */
export function failExport(db: Queryable, key: ExportKey, jobId: string, failure: string): Promise<boolean> {
  return moveExport(db, key, {
    to: "failed",
    where: "job_id = $4",
    set: "failure = $5, attempt = NULL",
    values: [jobId, failure],
  });
}

export function expireExport(db: Queryable, key: ExportKey): Promise<boolean> {
  return moveExport(db, key, { to: "expired" });
}
