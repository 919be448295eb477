/** `DATABASE_URL=… npm run admin-key [-- --name NAME]`: creates a platform operator with an admin key and prints the key, this once. */
import { parseArgs } from "node:util";
import { createAdminKey } from "#api/accounts/createAdminKey.ts";
import { connectDatabase } from "#api/db/client.ts";

const { values } = parseArgs({ options: { name: { type: "string", default: "Operator" } } });
const url = process.env.DATABASE_URL;
if (!url) {
  console.error("Set DATABASE_URL to the connection string of the API's database");
  process.exit(1);
}
const db = connectDatabase({ url, connectionsMax: 1, statementTimeoutMs: 10_000, onError: () => {} });
try {
  console.log(await createAdminKey(db, values.name, new Date()));
} catch (error) {
  console.error(`Could not create a key: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await db.pool.end();
}
