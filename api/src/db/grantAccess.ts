import pg from "pg";

/**
 * Lets a database role do what the API and the workers do, and no more: write the schema `app`, where audit rows, what devices
 * signed, consents and document versions can only be added, but for what an erasure takes away and a version's status, and the rows
 * of the schema `jobs`, and read the schema `chain`. Safe to repeat.
 */
export async function grantAccess(ownerUrl: string, role: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  const grantee = pg.escapeIdentifier(role);
  try {
    await client.query(`
      GRANT USAGE ON SCHEMA app, chain, jobs TO ${grantee};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA app, jobs TO ${grantee};
      REVOKE UPDATE, DELETE ON app.audit_logs, app.device_submissions FROM ${grantee};
      GRANT USAGE ON SEQUENCE app.consent_statements TO ${grantee};
      REVOKE UPDATE, DELETE ON app.consents FROM ${grantee};
      GRANT UPDATE (personal, personal_digests, person_digest, thread_digest, thread_position, erased_by)
        ON app.consents TO ${grantee};
      REVOKE UPDATE, DELETE ON app.document_versions FROM ${grantee};
      GRANT UPDATE (status, published_at, retired_at) ON app.document_versions TO ${grantee};
      GRANT SELECT ON ALL TABLES IN SCHEMA chain TO ${grantee};
      ALTER DEFAULT PRIVILEGES IN SCHEMA chain GRANT SELECT ON TABLES TO ${grantee};
    `);
  } finally {
    await client.end();
  }
}
