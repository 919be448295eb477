import pg from "pg";

/**
 * Lets a database role do what the API and the workers do, and no more: write the schema `app`, where audit rows can only be
 * added, and the rows of the schema `jobs`, and read the schema `chain`. Safe to repeat.
 */
export async function grantAccess(ownerUrl: string, role: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  const grantee = pg.escapeIdentifier(role);
  try {
    await client.query(`
      GRANT USAGE ON SCHEMA app, chain, jobs TO ${grantee};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA app, jobs TO ${grantee};
      REVOKE UPDATE, DELETE ON app.audit_logs FROM ${grantee};
      GRANT SELECT ON ALL TABLES IN SCHEMA chain TO ${grantee};
      ALTER DEFAULT PRIVILEGES IN SCHEMA chain GRANT SELECT ON TABLES TO ${grantee};
    `);
  } finally {
    await client.end();
  }
}
