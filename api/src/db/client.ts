import pg from "pg";
import { drizzle, type NodePgDatabase } from "./drizzle.ts";

const INT8_OID = 20;

/** How much longer than the server a client waits for a statement, before it takes the connection for dead; milliseconds. */
const SILENT_SERVER_MS = 5_000;
/** A session whose host has vanished is ended after about 25 s, so that its locks are free for another. */
const NOTICE_LOST_HOSTS =
  "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=25000";

/** Block numbers, chain ids and counts: all stay below 2^53, so bigint columns are read as numbers. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === INT8_OID ? Number : pg.types.getTypeParser(oid, format)),
};

export type Orm = NodePgDatabase;

/** The one way to the database: `pool` for the hot statements that are written out, `orm` for all others. */
export type Database = { pool: pg.Pool; orm: Orm };

export type DatabaseOptions = {
  url: string;
  connectionsMax: number;
  /** A statement that runs longer is cancelled; milliseconds, 0 for never. */
  statementTimeoutMs: number;
  onError: (error: Error) => void;
};

export function connectDatabase({
  url,
  connectionsMax,
  statementTimeoutMs,
  onError,
}: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs === 0 ? 0 : statementTimeoutMs + SILENT_SERVER_MS,
    options: NOTICE_LOST_HOSTS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: "holdfast",
    types,
  });
  // An idle connection that breaks (the server restarts) is replaced by the pool; without a listener it would end the process.
  pool.on("error", onError);
  return { pool, orm: drizzle(pool) };
}

const PASSING = new Set([
  "08000",
  "08003",
  "08006",
  "25006", // read_only_sql_transaction: the server we are connected to has become, or still is, a standby
  "40001", // serialization_failure
  "40P01", // deadlock_detected
  "53300", // too_many_connections
  "57014", // query_canceled: it ran longer than `statementTimeoutMs`, or an operator cancelled it
  "57P01",
  "57P02",
  "57P03",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
]);

const UNDEFINED_TABLE = "42P01";

/**
 * True when the database could not be reached, hung up, or gave this call up for a reason that passes: the call may be made
 * again later. Codes: PostgreSQL appendix A.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (typeof code === "string" && PASSING.has(code)) return true;
  // The indexer makes the views of the schema `chain`: one that is missing is on its way. Any other table is ours to have.
  if (code === UNDEFINED_TABLE && /\bchain\./.test(error.message)) return true;
  if (
    /Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
      error.message,
    )
  )
    return true;
  return isDatabaseUnavailable(error.cause);
}

/** True for errors that lie in the statement's own values (classes 21, 22 and 23), not in the server. */
export function isDataError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^2[123]/.test(code);
}
