import { inTransaction, type JobQueue, type Transaction } from "../jobs/jobQueue.ts";
import { newId } from "../newId.ts";
import { type ExportAttempt, type ExportState, expireExport, restartExport } from "./exportState.ts";

const ALL = `
  SELECT tenant_id AS "tenantId", id, state, attempt FROM app.exports
  WHERE tenant_id = $1 AND state IN ('pending', 'processing', 'completed') ORDER BY id FOR UPDATE`;

/**
 * For an erasure, in its transaction: takes back all files of a tenant, as any may hold values of the person. Those that are done are
 * expired; those under way begin anew, and read what the erasure has left.
 * @returns the files, to be deleted once the transaction has committed (ExportFiles.remove); sweepExports deletes those that are not.
 */
export async function discardExports(
  tx: Transaction,
  jobs: JobQueue,
  tenantId: string,
): Promise<ExportAttempt[]> {
  const { rows } = await inTransaction(tx).executeSql(ALL, [tenantId]);
  for (const { state, ...key } of rows as (ExportAttempt & { state: ExportState })[]) {
    if (state === "completed") {
      await expireExport(tx, key);
      continue;
    }
    const jobId = newId();
    await restartExport(tx, key, jobId);
    await jobs.send(tx, "exports", { tenantId, id: key.id }, { id: jobId, group: { id: tenantId } });
  }
  return (rows as ExportAttempt[]).filter(({ attempt }) => attempt !== null);
}
