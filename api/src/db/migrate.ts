import { fileURLToPath } from "node:url";
import pg from "pg";
import { installQueues } from "../jobs/installQueues.ts";
import { drizzle, migrate } from "./drizzle.ts";

const MIGRATIONS_FOLDER = fileURLToPath(new URL("../../migrations", import.meta.url));
const MIGRATION_LOCK = 7_204_118_001;

/** Brings the schemas `app` and `jobs` up to date. Several processes may call it at once: an advisory lock lets one work at a time. */
export async function migrateDatabase(ownerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
    await migrate(drizzle(client), {
      migrationsFolder: MIGRATIONS_FOLDER,
      migrationsSchema: "app_migrations",
    });
    await installQueues(client);
  } finally {
    await client.end();
  }
}
