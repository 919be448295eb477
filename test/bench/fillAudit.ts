import pg from "pg";
import type { Stack } from "./stack.ts";

export type FilledAudit = { tenantId: string; from: Date; to: Date };

/** One row in this many is of a rare action. */
const RARE_ONE_IN = 10_000;
const SECONDS_BETWEEN_ROWS = 0.1;

// As in a year's use: most rows are of the three frequent actions, and of tenants that all call alike often.
const FILL = `
  INSERT INTO app.audit_logs (tenant_id, request_id, api_key_id, action, resource_type, resource_id, ip_address, status_code, created_at)
  SELECT (ARRAY(SELECT id FROM app.tenants WHERE name = 'Audited' ORDER BY id))[1 + n % 100],
         uuidv7(make_interval(secs => (n - $2::bigint) * $3::float8)), gen_random_uuid(),
         CASE WHEN n % ${RARE_ONE_IN} = 0 THEN 'tenant.update'
              ELSE (ARRAY['hash.submit', 'hash.submit', 'hash.query', 'hash.submit_batch'])[1 + (n / 100) % 4] END,
         'hash', '0x' || encode(sha256(int8send(n)), 'hex'), '192.0.2.7', 202,
         now() + make_interval(secs => (n - $2::bigint) * $3::float8)
  FROM generate_series($1::bigint, $2::bigint) AS n`;

/** Writes `count` audit rows of a hundred tenants straight into the table. */
export async function fillAudit(stack: Stack, count: number): Promise<FilledAudit> {
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  try {
    await client.query(
      "INSERT INTO app.tenants (id, name) SELECT uuidv7(), 'Audited' FROM generate_series(1, 100)",
    );
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(
      `SELECT indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS definition
       FROM pg_index WHERE indrelid = 'app.audit_logs'::regclass AND NOT indisprimary`,
    );
    // Built over full tables, indexes come sooner.
    for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
    await client.query("SET synchronous_commit = off");
    await client.query("SET maintenance_work_mem = '512MB'");
    await client.query(FILL, [1, count, SECONDS_BETWEEN_ROWS]);
    for (const { definition } of indexes) await client.query(definition);
    await client.query("VACUUM ANALYZE app.audit_logs");
    await client.query("CHECKPOINT"); // or it runs while answers are measured
    const { rows } = await client.query<{ tenant_id: string; first: Date; last: Date }>(
      `SELECT (SELECT tenant_id FROM app.audit_logs LIMIT 1), min(created_at) AS first, max(created_at) AS last
       FROM app.audit_logs`,
    );
    const { tenant_id, first, last } = rows[0]!;
    const middle = (first.getTime() + last.getTime()) / 2;
    return { tenantId: tenant_id, from: new Date(middle - 86_400_000), to: new Date(middle) };
  } finally {
    await client.end();
  }
}
