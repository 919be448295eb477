import { writeAudit } from "../audit/writeAudit.ts";
import { sql } from "../db/drizzle.ts";
import { ConflictError, NotFoundError } from "../errors.ts";
import type { Context, VerbArgs } from "../verb.ts";
import { inTransaction, type JobQueue, type Transaction } from "./jobQueue.ts";
import { DEAD_LETTERS, QUEUES, type QueueName } from "./queues.ts";

type Row = {
  data: Record<string, unknown> | null;
  group_id: string | null;
  source_name: string | null;
};

type DeadLetterVerb = VerbArgs<{ id: string }> & { jobs: JobQueue };

/** Gives a dead letter's job back to its queue, with all its attempts (HA-18). */
export async function retryDeadLetter({ ctx, input: { id }, jobs }: DeadLetterVerb): Promise<void> {
  const boss = await jobs.boss();
  await ctx.db.orm.transaction(async (tx) => {
    const { data, group_id, source_name } = await takeDeadLetter(tx, id);
    const queue = source_name ?? data?.queue;
    if (typeof queue !== "string" || !(queue in QUEUES))
      throw new ConflictError("The dead letter's queue is not known; discard it");
    await jobs.send(tx, queue as QueueName, data ?? {}, group_id === null ? {} : { group: { id: group_id } });
    await boss.complete(DEAD_LETTERS, id, null, { includeQueued: true, db: inTransaction(tx) });
    await auditDeadLetter(tx, ctx, id, 202);
  });
}

/** Drops a dead letter for good. What it was about keeps its own record. */
export async function discardDeadLetter({ ctx, input: { id }, jobs }: DeadLetterVerb): Promise<void> {
  const boss = await jobs.boss();
  await ctx.db.orm.transaction(async (tx) => {
    await takeDeadLetter(tx, id);
    await boss.deleteJob(DEAD_LETTERS, id, { db: inTransaction(tx) });
    await auditDeadLetter(tx, ctx, id, 204);
  });
}

type OrmTransaction = Parameters<Parameters<Context["db"]["orm"]["transaction"]>[0]>[0] & Transaction;

/** Locked until the transaction ends, so that of two who retry it one comes too late. @throws {NotFoundError} */
async function takeDeadLetter(tx: OrmTransaction, id: string): Promise<Row> {
  const { rows } = await tx.execute<Row>(
    sql`SELECT data, group_id, source_name FROM jobs.job
        WHERE name = ${DEAD_LETTERS} AND id = ${id} AND state IN ('created', 'retry') FOR UPDATE`,
  );
  const [row] = rows;
  if (row === undefined) throw new NotFoundError("Dead letter");
  return row;
}

function auditDeadLetter(tx: OrmTransaction, ctx: Context, id: string, statusCode: number): Promise<void> {
  return writeAudit(tx, ctx, { resourceId: id, statusCode });
}
