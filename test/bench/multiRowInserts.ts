import { randomBytes } from "node:crypto";
import pg from "pg";
import { v7 as uuidv7 } from "uuid";
import { recreateEqualTable, submissionColumns } from "./baselineTables.ts";

const chainId = 31337;

// One prepared statement over arrays: as fast as prepared VALUES lists or a little faster, and cheaper for the client.
const insertRows = {
  name: "insertRows",
  text: `INSERT INTO bench.batch_rows (${submissionColumns}) SELECT * FROM unnest(
    $1::bytea[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::jsonb[], $7::timestamptz[])`,
};

/**
 * PostgreSQL's own rate for rows of `app.submissions` in an equal, empty table: multi-row INSERTs, each committed
 * durably, from a few connections with nothing else around them.
 * @returns rows per second.
 */
export async function multiRowInsertRate(options: {
  databaseUrl: string;
  connections: number;
  rowsPerInsert: number;
  seconds: number;
}): Promise<number> {
  const clients = await Promise.all(
    Array.from({ length: options.connections }, async () => {
      const client = new pg.Client({ connectionString: options.databaseUrl });
      await client.connect();
      return client;
    }),
  );
  await recreateEqualTable(clients[0]!, "batch_rows");
  const start = performance.now();
  const end = start + options.seconds * 1000;
  let rows = 0;
  const insertUntilEnd = async (client: pg.Client) => {
    while (performance.now() < end) {
      await client.query({ ...insertRows, values: newRows(options.rowsPerInsert) });
      rows += options.rowsPerInsert;
    }
  };
  await Promise.all(clients.map(insertUntilEnd));
  const elapsedMs = performance.now() - start;
  await Promise.all(clients.map((client) => client.end()));
  return (rows * 1000) / elapsedMs;
}

/** Column by column. */
function newRows(count: number): unknown[][] {
  const column = <T>(value: () => T) => Array.from({ length: count }, value);
  const tenantId = uuidv7();
  const now = new Date();
  return [
    column(() => randomBytes(32)),
    column(() => tenantId),
    column(() => uuidv7()),
    column(() => chainId),
    column(() => null),
    column(() => null),
    column(() => now),
  ];
}
