/**
 * `DATABASE_OWNER_URL=… npm run migrate [-- --role ROLE]`: brings the database up to date; with a role, lets that role be the
 * API's and the workers'. Safe to repeat. Exit code 1 with the reason when it could not.
 */
import { parseArgs } from "node:util";
import { grantAccess } from "#api/db/grantAccess.ts";
import { migrateDatabase } from "#api/db/migrate.ts";

const { values } = parseArgs({ options: { role: { type: "string" } } });
const ownerUrl = process.env.DATABASE_OWNER_URL ?? process.env.DATABASE_URL;
if (!ownerUrl) {
  console.error("Set DATABASE_OWNER_URL to the connection string of the role that owns the database");
  process.exit(1);
}
try {
  await migrateDatabase(ownerUrl);
  if (values.role !== undefined) await grantAccess(ownerUrl, values.role);
  console.log("The database is up to date");
} catch (error) {
  console.error(`Could not migrate: ${(error as Error).message}`);
  process.exit(1);
}
