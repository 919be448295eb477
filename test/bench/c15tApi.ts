/**
 * `@c15t/backend` with its kysely adapter, as a process, served like the other baselines. Prints "listening <url>". Environment: DATABASE_URL,
 * an empty database, which gets its tables.
 */
import { c15tInstance } from "@c15t/backend";
import { kyselyAdapter } from "@c15t/backend/db/adapters/kysely";
import { migrator } from "@c15t/backend/db/migrator";
import { DB } from "@c15t/backend/db/schema";
import { serve } from "@hono/node-server";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";

const CONNECTIONS_MAX = 10;

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: CONNECTIONS_MAX });
const db = new Kysely({ dialect: new PostgresDialect({ pool }) });
const adapter = kyselyAdapter({ db, provider: "postgresql" });
const migration = await migrator({ db: DB.client(adapter), schema: "latest" });
if ("execute" in migration) await migration.execute();

const instance = c15tInstance({
  appName: "bench",
  basePath: "/",
  adapter,
  trustedOrigins: ["localhost"],
  disableGeoLocation: true,
  logger: { level: "error" },
});
serve({ fetch: instance.handler, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
  console.log(`listening http://127.0.0.1:${port}`),
);
