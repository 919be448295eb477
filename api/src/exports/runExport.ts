import type { Logger } from "pino";
import type { Database } from "../db/client.ts";
import { and, eq, sum } from "../db/drizzle.ts";
import { type ExportRow, exports } from "../db/exports.ts";
import { newId } from "../newId.ts";
import { failureOf, TooLargeError } from "./exportFailure.ts";
import type { ExportFiles, ExportWriter } from "./exportFiles.ts";
import {
  claimExport,
  completeExport,
  type ExportAttempt,
  type ExportKey,
  failExport,
  reportProgress,
} from "./exportState.ts";
import { hashRows } from "./hashRows.ts";
import { receiptRows } from "./receiptRows.ts";
import { type ExportRows, writeText } from "./writeText.ts";

export type RunExportDeps = {
  db: Database;
  files: ExportFiles;
  clock: () => Date;
  logger: Logger;
  /** Bytes that all files of a tenant may have together. */
  tenantBytesMax: number;
};

export type ExportJob = {
  id: string;
  key: ExportKey;
  /** Whether the job is given up when it fails now. */
  isLastTry: boolean;
  /** Aborted when the process stops, or the job was given to another worker. */
  signal: AbortSignal;
};

const PROGRESS_INTERVAL_MS = 1_000;

/**
 * Writes the file of an export. The row says *completed* only when the file is durable under its name; a stop anywhere before that
 * leaves a file that no row names, which sweepExports deletes, and the job's next try writes its own from the beginning.
 * @throws whatever kept it from being written, so that the job is tried again.
 */
export async function runExport(deps: RunExportDeps, job: ExportJob): Promise<void> {
  const { db, logger } = deps;
  const log = { exportId: job.key.id, tenantId: job.key.tenantId };
  try {
    const attempt = { ...job.key, attempt: newId() };
    if (!(await claimExport(db.pool, attempt, job.id))) return;
    const written = await writeExport(deps, attempt, job.signal);
    if (written !== null) logger.info({ ...log, ...written }, "export completed");
  } catch (error) {
    const isFinal = job.isLastTry || error instanceof TooLargeError;
    logger.error({ err: error, ...log, isFinal }, "export failed");
    if (isFinal) await failExport(db.pool, job.key, job.id, failureOf(error));
    if (!(error instanceof TooLargeError)) throw error;
  }
}

/** @returns null when this attempt does not count any more; then nothing of it is left. */
async function writeExport(deps: RunExportDeps, attempt: ExportAttempt, signal: AbortSignal) {
  const { db, files, clock } = deps;
  const row = await getExport(db, attempt);
  const bytesMax = deps.tenantBytesMax - (await readKeptBytes(db, attempt.tenantId));
  const writer = await files.create(attempt);
  try {
    const rows = await writeRows(deps, { row, attempt, writer, bytesMax, signal });
    await writer.finish();
    const written = { rows, bytes: writer.bytes() };
    if (await completeExport(db.pool, attempt, { ...written, completedAt: clock() })) return written;
    await writer.discard();
    return null;
  } catch (error) {
    // Best effort: what cannot be deleted now is swept later.
    await writer.discard().catch(() => {});
    if (error instanceof SupersededError) return null;
    throw error;
  }
}

class SupersededError extends Error {
  override name = "SupersededError";
}

type Writing = {
  row: ExportRow;
  attempt: ExportAttempt;
  writer: ExportWriter;
  bytesMax: number;
  signal: AbortSignal;
};

/** @returns the number of rows. */
async function writeRows(
  { db }: RunExportDeps,
  { row, attempt, writer, bytesMax, signal }: Writing,
): Promise<number> {
  let written = 0;
  let reportedAtMs = performance.now();
  for await (const { text, rows } of writeText(rowsOf(db, row), row.format)) {
    signal.throwIfAborted();
    await writer.write(text);
    if (writer.bytes() > bytesMax) throw new TooLargeError(bytesMax);
    written = rows;
    if (performance.now() - reportedAtMs < PROGRESS_INTERVAL_MS) continue;
    if (!(await reportProgress(db.pool, attempt, rows))) throw new SupersededError();
    reportedAtMs = performance.now();
  }
  return written;
}

function rowsOf(db: Database, row: ExportRow): ExportRows {
  return row.type === "hashes" ? hashRows(db, row) : receiptRows(db, row);
}

async function getExport({ orm }: Database, { tenantId, id }: ExportKey): Promise<ExportRow> {
  const [row] = await orm
    .select()
    .from(exports)
    .where(and(eq(exports.tenantId, tenantId), eq(exports.id, id)));
  return row!;
}

async function readKeptBytes({ orm }: Database, tenantId: string): Promise<number> {
  const [kept] = await orm
    .select({ bytes: sum(exports.bytes) })
    .from(exports)
    .where(and(eq(exports.tenantId, tenantId), eq(exports.state, "completed")));
  return Number(kept!.bytes);
}
