import type { PoolClient } from "pg";
import { type Db, fromDrizzle, type JobInsert, PgBoss, type SendOptions } from "pg-boss";
import type { Logger } from "pino";
import type { Database, Orm } from "../db/client.ts";
import { sql } from "../db/drizzle.ts";
import { UnavailableError } from "../errors.ts";
import { JOBS_SCHEMA, type QueueName } from "./queues.ts";

/** A transaction of either kind: of db/transaction.ts or of drizzle. */
export type Transaction = Pick<PoolClient, "query"> | Pick<Orm, "execute">;

export type JobQueue = {
  /** Stores a job in the caller's transaction: the fact and its job commit together. @returns the job's id. */
  send(tx: Transaction, queue: QueueName, data: object, options?: Omit<SendOptions, "db">): Promise<string>;
  /** The same of many jobs, in one statement. */
  sendMany(tx: Transaction, queue: QueueName, jobs: JobInsert[]): Promise<void>;
  /** pg-boss itself, started. @throws {UnavailableError} when the database has no queues of this version. */
  boss(): Promise<PgBoss>;
  stop(): Promise<void>;
};

export type JobQueueOptions = {
  /** Whether this process also looks after expired jobs, schedules and old rows: workers do. */
  supervise: boolean;
  logger: Logger;
};

/** How soon a job whose worker died is given to another, after it has expired; seconds. */
const MONITOR_INTERVAL_S = 5;
const MAINTENANCE_INTERVAL_S = 300;
/** Longest wait for jobs under way when a process is asked to stop; milliseconds. */
const DRAIN_MS = 5_000;

/**
 * The job queue (pg-boss) over the process's own connections. It is started by its first use, so that a process can start
 * while the database is away.
 */
export function createJobQueue(
  { pool }: Pick<Database, "pool">,
  { supervise, logger }: JobQueueOptions,
): JobQueue {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text, values) },
    schema: JOBS_SCHEMA,
    migrate: false,
    supervise,
    schedule: supervise,
    superviseIntervalSeconds: MONITOR_INTERVAL_S,
    monitorIntervalSeconds: MONITOR_INTERVAL_S,
    maintenanceIntervalSeconds: MAINTENANCE_INTERVAL_S,
    // Rebuilding indexes is the owner's right, and watching vacuum the operator's matter.
    reindex: false,
    monitorVacuum: false,
  });
  boss.on("error", (err) => logger.warn({ err }, "job queue"));
  boss.on("warning", ({ message }) => logger.warn({ warning: message }, "job queue"));

  let isStopped = false;
  const started = async () => {
    // pg-boss would start again.
    if (isStopped) throw new UnavailableError("The job queue is stopping");
    try {
      return await boss.start();
    } catch (error) {
      if (isNotInstalled(error)) throw new UnavailableError("The job queue is not set up", error);
      throw error;
    }
  };

  return {
    boss: started,
    async send(tx, queue, data, options) {
      const id = await (await started()).send(queue, data, { ...options, db: inTransaction(tx) });
      if (id === null) throw new Error(`${queue}: a job with the same singleton key waits already`);
      return id;
    },
    async sendMany(tx, queue, jobs) {
      await (await started()).insert(queue, jobs, { db: inTransaction(tx) });
    },
    stop() {
      isStopped = true;
      return boss.stop({ graceful: supervise, timeout: DRAIN_MS });
    },
  };
}

/** How pg-boss runs its statements in a transaction of ours: the option `db` of its calls. */
export function inTransaction(tx: Transaction): Db {
  if ("execute" in tx) return fromDrizzle(tx, sql);
  return { executeSql: (text, values) => tx.query(text, values) };
}

function isNotInstalled(error: unknown): boolean {
  return (
    error instanceof Error && /^pg-boss (is not installed|database requires migrations)/.test(error.message)
  );
}
