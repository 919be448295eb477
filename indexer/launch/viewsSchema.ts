import type { ClientBase } from "pg";

/**
 * Makes the schema of the stable views, and lets `readerRole` read whatever view is ever made in it by us: Ponder drops and
 * creates its views at every start, and default privileges are what survives that.
 */
export async function openViewsSchema(
  client: ClientBase,
  schema: string,
  readerRole?: string,
): Promise<void> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  if (!readerRole) return;
  const role = client.escapeIdentifier(readerRole);
  await client.query(`GRANT USAGE ON SCHEMA ${schema} TO ${role}`);
  await client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${role}`);
  await client.query(`ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT SELECT ON TABLES TO ${role}`);
}
