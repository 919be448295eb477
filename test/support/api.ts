import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { createAdminKey } from "#api/accounts/createAdminKey.ts";
import { registerChain } from "#api/chain/registerChain.ts";
import { connectDatabase, type Database } from "#api/db/client.ts";
import { migrateDatabase } from "#api/db/migrate.ts";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { createDatabase, startTestPostgres } from "./postgres.ts";
import { type StartedProcess, startProcess } from "./process.ts";

export type TestApi = {
  apiUrl: string;
  databaseUrl: string;
  /** The database of the API, as its owner. */
  db: Database;
  adminKey: string;
  api: StartedProcess;
  /** Another API process on the same database; settings as in api/src/config.ts. */
  startApi(settings?: Record<string, string>): Promise<{ url: string; process: StartedProcess }>;
  stop(): Promise<void>;
};

/** The id of the chain that submissions go to. Nothing listens at its RPC URL: nobody anchors here. */
export const UNREACHABLE_CHAIN_ID = 31337;

/** CHAIN_KEY_ENCRYPTION_SECRET of test APIs. */
export const TEST_SECRET = "a secret of the tests and of nobody else";

/** API processes over a PostgreSQL of their own, without chain, workers and indexer: all that accepting hashes needs. */
export async function startTestApi(settings: Record<string, string> = {}): Promise<TestApi> {
  const home = mkdtempSync(join(tmpdir(), "holdfast-api-"));
  const postgres: EmbeddedPostgres = await startTestPostgres();
  const databaseUrl = await createDatabase(postgres);
  await migrateDatabase(databaseUrl);
  const db = connectDatabase({
    url: databaseUrl,
    connectionsMax: 2,
    statementTimeoutMs: 30_000,
    onError: () => {},
  });
  await registerChain(db, {
    chainId: UNREACHABLE_CHAIN_ID,
    name: "test",
    rpcUrl: "http://127.0.0.1:9",
    contractAddress: `0x${"c0".repeat(20)}`,
    publisher: `0x${"b0".repeat(20)}`,
    confirmations: 1,
  });
  const processes: StartedProcess[] = [];
  const startApi: TestApi["startApi"] = async (more = {}) => {
    const api = startProcess("api/src/server.ts", {
      env: {
        DATABASE_URL: databaseUrl,
        PUBLIC_RATE_LIMIT: "100000000",
        AUTH_RATE_LIMIT: "100000000",
        SIGN_UP_RATE_LIMIT: "100000000",
        CHAIN_KEY_ENCRYPTION_SECRET: TEST_SECRET,
        MEDIA_FOLDER: join(home, "media"),
        PORT: "0",
        ...settings,
        ...more,
      },
      ipc: true,
    });
    processes.push(api);
    const port = await new Promise<number>((resolve, reject) => {
      api.onMessage((message) => resolve((message as { listening: { port: number } }).listening.port));
      void api.exited.then(() => reject(new Error(`the API ended:\n${api.output()}`)));
    });
    return { url: `http://127.0.0.1:${port}`, process: api };
  };
  const { url: apiUrl, process: api } = await startApi();
  return {
    apiUrl,
    databaseUrl,
    db,
    adminKey: await createAdminKey(db, "Test operator", new Date()),
    api,
    startApi,
    async stop() {
      await Promise.all(processes.map((started) => started.stop()));
      await db.pool.end();
      await postgres.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Every row of every table that holds `text`, as JSON, and every disclosure of a consent that does; for what must be nowhere. */
export async function rowsHolding(databaseUrl: string, text: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
       WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'`,
    );
    const found: string[] = [];
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ row: string }>(
        `SELECT row_to_json(t)::text AS row FROM ${name} t WHERE strpos(row_to_json(t)::text, $1) > 0`,
        [text],
      );
      found.push(...rows.map(({ row }) => `${name} ${row}`));
    }
    return [...found, ...(await disclosuresHolding(client, text))];
  } finally {
    await client.end();
  }
}

/** Disclosures are stored in base64url, where no search for a text finds it. */
async function disclosuresHolding(client: pg.Client, text: string): Promise<string[]> {
  const { rows } = await client.query<{ encoded: string }>(
    "SELECT unnest(string_to_array(concat_ws('~', lasting, personal), '~')) AS encoded FROM app.consents",
  );
  return rows
    .map(({ encoded }) => Buffer.from(encoded, "base64url").toString())
    .filter((disclosure) => disclosure.includes(text));
}
