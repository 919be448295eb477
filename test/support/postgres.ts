import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { migrateDatabase } from "#api/db/migrate.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { watchForOrphans } from "./orphanWatch.ts";
import { copyTemplate } from "./postgresTemplate.ts";

/**
 * A PostgreSQL of its own for one test file, in a temporary directory that stop() removes. fsync stays on unless
 * `durable: false` is asked for: what a test proves about durability must hold with the real setting.
 */
export async function startTestPostgres({
  durable = true,
}: {
  durable?: boolean;
} = {}): Promise<EmbeddedPostgres> {
  const dataDir = mkdtempSync(join(tmpdir(), "holdfast-pg-"));
  copyTemplate(dataDir);
  const server = await startEmbeddedPostgres({ dataDir, durable });
  let forget = watchForOrphans(server.pid);
  return {
    url: server.url,
    port: server.port,
    get pid() {
      return server.pid;
    },
    async restart(how) {
      forget();
      await server.restart(how);
      forget = watchForOrphans(server.pid);
    },
    async stop() {
      forget();
      kill(server.pid); // nothing need be written that is removed at once
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGQUIT");
  } catch {
    // It has stopped already.
  }
}

/** Creates an empty database with a name of its own. @returns its connection string. */
export async function createDatabase(server: Pick<EmbeddedPostgres, "url">): Promise<string> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return url.href;
}

/** The same with the API's schema in it. */
export async function createMigratedDatabase(server: Pick<EmbeddedPostgres, "url">): Promise<string> {
  const url = await createDatabase(server);
  await migrateDatabase(url);
  return url;
}
