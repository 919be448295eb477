import type { PgBoss } from "pg-boss";
import type { Logger } from "pino";
import type { Database } from "../db/client.ts";
import { and, asc, eq, inArray, lte } from "../db/drizzle.ts";
import { exports } from "../db/exports.ts";
import type { ExportFiles } from "./exportFiles.ts";
import { expireExport, FILE_KEPT_MS, failExport } from "./exportState.ts";

/** How long an export that is over answers with what became of it, before it is unknown; milliseconds. */
const ROW_KEPT_MS = 30 * 86_400_000;
const ROWS_AT_ONCE = 500;

export type SweepDeps = {
  db: Database;
  files: ExportFiles;
  boss: Pick<PgBoss, "findJobs">;
  clock: () => Date;
  logger: Logger;
};

/** Puts right what time and stops leave behind. Safe to repeat, and beside exports that are under way. */
export async function sweepExports(deps: SweepDeps): Promise<void> {
  await expireFiles(deps);
  await failGivenUp(deps);
  await removeStrayFiles(deps);
  await forgetOld(deps);
}

/** The file goes first: a stop after it leaves a row that is answered 410 all the same, and the next sweep comes by again. */
async function expireFiles({ db, files, clock }: SweepDeps): Promise<void> {
  const before = new Date(clock().getTime() - FILE_KEPT_MS);
  while (true) {
    const rows = await db.orm
      .select()
      .from(exports)
      .where(and(eq(exports.state, "completed"), lte(exports.completedAt, before)))
      .orderBy(asc(exports.completedAt))
      .limit(ROWS_AT_ONCE);
    for (const row of rows) {
      await files.remove({ ...row, attempt: row.attempt! });
      await expireExport(db.pool, row);
    }
    if (rows.length < ROWS_AT_ONCE) return;
  }
}

/** A job whose worker died at its last try has nobody left to say so. */
async function failGivenUp({ db, boss, logger }: SweepDeps): Promise<void> {
  const rows = await db.orm
    .select()
    .from(exports)
    .where(inArray(exports.state, ["pending", "processing"]));
  for (const { tenantId, id, jobId } of rows) {
    const [job] = await boss.findJobs("exports", { id: jobId });
    if (job !== undefined && ["created", "retry", "active"].includes(job.state)) continue;
    if (await failExport(db.pool, { tenantId, id }, jobId, "It was given up after several tries"))
      logger.error({ exportId: id, tenantId }, "export given up");
  }
}

/**
 * Files of attempts that ended without finishing, or whose rows are over. An attempt is in its row before its file is there, so the
 * folder is read first.
 */
async function removeStrayFiles({ db, files, logger }: SweepDeps): Promise<void> {
  const found = await files.list();
  for (let start = 0; start < found.length; start += ROWS_AT_ONCE) {
    const some = found.slice(start, start + ROWS_AT_ONCE);
    const rows = await db.orm
      .select({ attempt: exports.attempt })
      .from(exports)
      .where(
        and(
          inArray(exports.tenantId, [...new Set(some.map(({ tenantId }) => tenantId))]),
          inArray(exports.id, [...new Set(some.map(({ id }) => id))]),
          inArray(exports.state, ["processing", "completed"]),
        ),
      );
    const named = new Set(rows.map(({ attempt }) => attempt));
    for (const stray of some.filter(({ attempt }) => !named.has(attempt))) {
      await files.remove(stray);
      logger.info({ exportId: stray.id, tenantId: stray.tenantId }, "stray export file deleted");
    }
  }
}

async function forgetOld({ db, clock }: SweepDeps): Promise<void> {
  await db.orm
    .delete(exports)
    .where(
      and(
        inArray(exports.state, ["expired", "failed"]),
        lte(exports.createdAt, new Date(clock().getTime() - ROW_KEPT_MS)),
      ),
    );
}
