import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { keptSigningKeyFile } from "#scripts/keptSecrets.ts";
import { type TestApi, UNREACHABLE_CHAIN_ID } from "./api.ts";
import { call } from "./client.ts";
import { type StartedProcess, type StartOptions, startCommand, startProcess } from "./process.ts";
import { until } from "./until.ts";

const WORKER = path.resolve(import.meta.dirname, "../../api/src/worker.ts");
const EXPORT_DEADLINE_MS = 60_000;

export type ExportFolder = ReturnType<typeof createExportFolder>;

/** A folder for export files and a key for workers, deleted by remove(). */
export function createExportFolder() {
  const home = mkdtempSync(path.join(tmpdir(), "holdfast-exports-"));
  const folder = path.join(home, "exports");
  return {
    folder,
    settings: {
      EXPORT_FOLDER: folder,
      RECEIPT_SIGNING_KEY_FILE: keptSigningKeyFile(path.join(home, "key.pem")),
    },
    /** Paths in it, with their tenants' folders. */
    files(): string[] {
      try {
        const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
        return entries
          .filter((entry) => entry.isFile())
          .map(({ parentPath, name }) => path.relative(folder, path.join(parentPath, name)));
      } catch {
        return []; // not there yet
      }
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/**
 * A worker whose chain does not answer: it works on its jobs and seals nothing. `fileBytesMax`: no file that it writes may become
 * larger (RLIMIT_FSIZE), as on a disk that is full.
 */
export function startJobWorker(
  api: Pick<TestApi, "databaseUrl">,
  folder: ExportFolder,
  { settings = {}, fileBytesMax }: { settings?: Record<string, string>; fileBytesMax?: number } = {},
): StartedProcess {
  const options: StartOptions = {
    env: {
      DATABASE_URL: api.databaseUrl,
      CHAIN_ID: String(UNREACHABLE_CHAIN_ID),
      CHAIN_RPC_URL: "http://127.0.0.1:9",
      CHAIN_CONTRACT_ADDRESS: `0x${"c0".repeat(20)}`,
      CHAIN_PUBLISHER_PRIVATE_KEY: `0x${"01".repeat(32)}`,
      ...folder.settings,
      ...settings,
    },
  };
  if (fileBytesMax === undefined) return startProcess(WORKER, options);
  const limited = `ulimit -f ${Math.floor(fileBytesMax / 512)} && exec "$@"`; // POSIX: units of 512 bytes
  return startCommand("/bin/sh", { ...options, args: ["-c", limited, "sh", process.execPath, WORKER] });
}

type Origin = { apiUrl: string; key: string };
export type Wanted = { type?: "hashes" | "receipts"; format?: "csv" | "json"; filters?: object };

/** @returns the id of the export that began. */
export async function beginExport(
  { apiUrl, key }: Origin,
  { type = "hashes", ...body }: Wanted = {},
): Promise<string> {
  const begun = await call(apiUrl, "POST", `/v1/export/${type}`, { key, body });
  if (begun.status !== 202) throw new Error(`${begun.status}: ${JSON.stringify(begun.body)}`);
  return begun.body.id;
}

/** The answer with the file, once there is one. @throws {Error} when the export fails. */
export async function downloadExport({ apiUrl, key }: Origin, id: string): Promise<Response> {
  return until(
    async () => {
      const answer = await fetch(`${apiUrl}/v1/export/${id}`, { headers: { "X-API-Key": key } });
      if (answer.headers.has("Content-Disposition")) return answer;
      const body = await answer.text();
      if (answer.status !== 200 || JSON.parse(body).status === "failed") throw new Error(body);
      return null;
    },
    { deadlineMs: EXPORT_DEADLINE_MS, intervalMs: 50 },
  ).then((answer) => answer!);
}

export async function exportText(origin: Origin, wanted: Wanted = {}): Promise<string> {
  return (await downloadExport(origin, await beginExport(origin, wanted))).text();
}

/** Puts hashes of a tenant into the database that wait to be sealed, past the API. */
export async function fillPending(
  { db }: Pick<TestApi, "db">,
  tenantId: string,
  count: number,
): Promise<void> {
  await db.pool.query(
    `INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, external_id, created_at)
     SELECT sha256(int8send(n)), $1, uuidv7(), $2, 'invoice ' || n, now() FROM generate_series(1, $3::int) AS n`,
    [tenantId, UNREACHABLE_CHAIN_ID, count],
  );
}
