import { createWriteStream } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { apiKeySha256 } from "#api/accounts/apiKey.ts";
import { createAdminKey } from "#api/accounts/createAdminKey.ts";
import { connectDatabase } from "#api/db/client.ts";
import { grantAccess } from "#api/db/grantAccess.ts";
import { migrateDatabase } from "#api/db/migrate.ts";
import { startEmbeddedPostgres } from "../embeddedPostgres.ts";
import { findKeptSecret, keepSecret, keptSecret } from "../keptSecrets.ts";
import type { StackStart } from "./stackOptions.ts";

export type Databases = { ownerUrl: string; apiUrl: string };

export const API_ROLE = "holdfast_api";
const DATABASE_NAME = "holdfast";

/** The given database, or one of the stack's own, which nobody else serves then. */
export async function openDatabase(start: StackStart): Promise<Databases> {
  const { DATABASE_URL, DATABASE_OWNER_URL } = start.settings;
  if (!DATABASE_URL) return startDatabase(start);
  return { ownerUrl: DATABASE_OWNER_URL ?? DATABASE_URL, apiUrl: DATABASE_URL };
}

export async function bringUpToDate({ ownerUrl, apiUrl }: Databases): Promise<void> {
  await migrateDatabase(ownerUrl);
  const role = decodeURIComponent(new URL(apiUrl).username);
  if (role !== decodeURIComponent(new URL(ownerUrl).username)) await grantAccess(ownerUrl, role);
}

async function startDatabase(start: StackStart): Promise<Databases> {
  const { home, onProgress, onStop, onFailure, signal } = start;
  onProgress("Starting PostgreSQL");
  const logFile = join(home, "logs", "postgres.log");
  const log = createWriteStream(logFile, { flags: "a" });
  const server = await startEmbeddedPostgres({
    dataDir: join(home, "postgres"),
    log: (line) => log.write(`${line}\n`),
    signal,
    onUnexpectedExit: (code, by) =>
      onFailure(`PostgreSQL ended with ${by ?? `code ${code}`}; see ${logFile}`),
  });
  onStop(() => server.stop());
  const password = keptSecret(join(home, "api-role-password"));
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  try {
    const { rows } = await admin.query(
      "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS has_database, EXISTS (SELECT FROM pg_roles WHERE rolname = $2) AS has_role",
      [DATABASE_NAME, API_ROLE],
    );
    if (!rows[0].has_role) await admin.query(`CREATE ROLE ${API_ROLE} LOGIN`);
    await admin.query(`ALTER ROLE ${API_ROLE} PASSWORD ${pg.escapeLiteral(password)}`);
    if (!rows[0].has_database) await admin.query(`CREATE DATABASE ${DATABASE_NAME}`);
  } finally {
    await admin.end();
  }
  const ownerUrl = new URL(server.url);
  ownerUrl.pathname = `/${DATABASE_NAME}`;
  const apiUrl = new URL(ownerUrl);
  apiUrl.username = API_ROLE;
  apiUrl.password = password;
  return { ownerUrl: ownerUrl.href, apiUrl: apiUrl.href };
}

/** The home's one admin key: kept in a file of mode 0600, and made anew only when the database does not take it. */
export async function keptAdminKey(databaseUrl: string, file: string): Promise<string> {
  const db = connectDatabase({
    url: databaseUrl,
    connectionsMax: 2,
    statementTimeoutMs: 10_000,
    onError: () => {},
  });
  try {
    const known = findKeptSecret(file);
    if (known !== null) {
      const { rows } = await db.pool.query(
        `SELECT FROM app.api_keys k JOIN app.tenants t ON t.id = k.tenant_id
         WHERE k.key_sha256 = $1 AND k.revoked_at IS NULL AND t.status = 'active'`,
        [apiKeySha256(known)],
      );
      if (rows.length > 0) return known;
    }
    return await createAdminKey(db, "Operator", new Date(), (key) => keepSecret(file, key));
  } finally {
    await db.pool.end();
  }
}
