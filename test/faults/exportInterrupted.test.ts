import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createExportFiles } from "#api/exports/exportFiles.ts";
import { sweepExports } from "#api/exports/sweepExports.ts";
import { createJobQueue } from "#api/jobs/jobQueue.ts";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import {
  beginExport,
  createExportFolder,
  downloadExport,
  type ExportFolder,
  fillPending,
  startJobWorker,
} from "#test/support/exports.ts";
import { startPostgresProxy } from "#test/support/postgresProxy.ts";
import type { StartedProcess } from "#test/support/process.ts";
import { until } from "#test/support/until.ts";

/** Enough to be caught in the middle of. */
const MANY = 60_000;
const FEW = 6_000;
const FILE_BYTES_MIN = MANY * 100;
const GIVEN_UP_DEADLINE_MS = 120_000;
const RETRIED_DEADLINE_MS = 60_000;

let api: TestApi;
let folder: ExportFolder;
let tenant: { tenantId: string; key: string; apiUrl: string };
let workers: StartedProcess[];

beforeAll(async () => {
  folder = createExportFolder();
  api = await startTestApi({ EXPORT_FOLDER: folder.folder });
});
beforeEach(async () => {
  workers = [];
  tenant = { ...(await createTenantKey(api)), apiUrl: api.apiUrl };
});
afterEach(() => Promise.all(workers.map((worker) => worker.stop())));
afterAll(async () => {
  await api?.stop();
  folder.remove();
});

function startWorker(options?: Parameters<typeof startJobWorker>[2]): StartedProcess {
  const worker = startJobWorker(api, folder, options);
  workers.push(worker);
  return worker;
}

const filesOf = (id: string) => folder.files().filter((name) => name.includes(id));
const ask = async (id: string) =>
  (await call(api.apiUrl, "GET", `/v1/export/${id}`, { key: tenant.key })).body;

/** The file has every hash of the tenant once. */
async function expectWhole(id: string, hashes = MANY): Promise<void> {
  const rows = (await (await downloadExport(tenant, id)).json()) as { externalId: string }[];
  expect(new Set(rows.map(({ externalId }) => externalId)).size).toBe(hashes);
  expect(rows).toHaveLength(hashes);
}

/** Moves the last heartbeats of jobs into the past, as if the time that a dead worker is waited for had gone by. */
async function letHeartbeatsLapse(): Promise<void> {
  await api.db.pool.query(
    "UPDATE jobs.job SET heartbeat_on = heartbeat_on - interval '1 hour' WHERE name = 'exports' AND state = 'active'",
  );
}

/** The same for jobs that wait for their next attempt. */
async function letRetriesComeDue(): Promise<void> {
  await api.db.pool.query(
    "UPDATE jobs.job SET start_after = now() WHERE name = 'exports' AND state = 'retry' AND start_after > now()",
  );
}

/** An export can be downloaded before its job is settled: a moment when all goes well, the time until its retry when its worker dies. */
const jobSettled = (id: string) =>
  until(
    async () => {
      const { rowCount } = await api.db.pool.query(
        "SELECT 1 FROM jobs.job WHERE name = 'exports' AND state = 'completed' AND data->>'id' = $1",
        [id],
      );
      return rowCount === 1;
    },
    { deadlineMs: RETRIED_DEADLINE_MS },
  );

/** Only the file of the attempt that counts is left once strays are swept. */
async function expectNoStrays(id: string): Promise<void> {
  const logger = pino({ level: "silent" });
  const jobs = createJobQueue(api.db, { supervise: false, logger });
  const files = createExportFiles(folder.folder);
  await sweepExports({ db: api.db, files, boss: await jobs.boss(), clock: () => new Date(), logger });
  await jobs.stop();
  const { rows } = await api.db.pool.query("SELECT attempt FROM app.exports WHERE id = $1", [id]);
  expect(filesOf(id)).toEqual([`${tenant.tenantId}/${id}.${rows[0].attempt}`]);
}

test("HA-12 kill -9 in the middle of the file: another worker writes it anew, and nothing is left of the first", async () => {
  await fillPending(api, tenant.tenantId, MANY);
  const victim = startWorker();
  const id = await beginExport(tenant, { format: "json" });
  await until(() => filesOf(id).some((name) => name.endsWith(".part")), {
    intervalMs: 1,
    deadlineMs: 30_000,
  });
  await victim.kill9();
  expect((await ask(id)).status).toBe("processing");
  const [half] = filesOf(id);
  expect(half).toMatch(/\.part$/);
  // Not made to lapse here: the real wait for a worker that says nothing any more.
  startWorker();
  await expectWhole(id);
  await expectNoStrays(id);
});

test.for([
  { fate: "fails and is not stored", stored: false },
  { fate: "fails but is stored", stored: true },
])("HA-12 a worker killed at each write of an export: $fate", async ({ stored }) => {
  await fillPending(api, tenant.tenantId, FEW);
  const database = await startPostgresProxy({ databaseUrl: api.databaseUrl });
  const settings = { DATABASE_URL: database.url };
  const hit: string[] = [];
  try {
    for (let nth = 1; ; nth++) {
      const worker = startWorker({ settings });
      const fault = database.addFault({
        matching: /UPDATE app\.exports|WITH .*completed_on/s,
        nth,
        stored,
        meanwhile: () => worker.kill9(),
      });
      const id = await beginExport(tenant, { format: "json" });
      await Promise.race([worker.exited, jobSettled(id)]);
      if (fault.remove()) {
        await worker.stop();
        break;
      }
      hit.push((await fault.done).sql.join(";"));
      await worker.exited;
      await letHeartbeatsLapse();
      const next = startWorker({ settings });
      await expectWhole(id, FEW);
      await jobSettled(id);
      await expectNoStrays(id);
      await next.stop();
    }
  } finally {
    await database.stop();
  }
  // Claimed, completed, and the job settled.
  for (const write of ["attempt = $4, job_id = $5", "completed_at = $7", "state = 'completed'"])
    expect(
      hit.some((sql) => sql.includes(write)),
      write,
    ).toBe(true);
});

test("HA-12 a full disk: the export is tried again, and succeeds once there is room", async () => {
  await fillPending(api, tenant.tenantId, MANY);
  const cramped = startWorker({ fileBytesMax: FILE_BYTES_MIN / 2 });
  const id = await beginExport(tenant, { format: "json" });
  await cramped.waitForLine(new RegExp(`"code":"EFBIG".*${id}.*export failed`));
  await until(() => filesOf(id).length === 0);
  expect((await ask(id)).status).toBe("processing");
  await cramped.stop();
  startWorker();
  await expectWhole(id);
  await expectNoStrays(id);
});

test("HA-12 a disk that stays full, or a folder that is none: failed with a reason, in the log and among the dead letters", async () => {
  await fillPending(api, tenant.tenantId, MANY);
  const blocked = path.join(folder.folder, "a-file");
  mkdirSync(folder.folder, { recursive: true });
  writeFileSync(blocked, "");
  const cases = [
    { options: { fileBytesMax: FILE_BYTES_MIN / 2 }, reason: "There was no space left for the file" },
    { options: { settings: { EXPORT_FOLDER: blocked } }, reason: "The file could not be written" },
  ];
  for (const { options, reason } of cases) {
    const worker = startWorker(options);
    const id = await beginExport(tenant, { format: "json" });
    const failed = await until(
      async () => {
        await letRetriesComeDue();
        const state = await ask(id);
        return state.status === "failed" && state;
      },
      { deadlineMs: GIVEN_UP_DEADLINE_MS, intervalMs: 200 },
    );
    expect(failed).toMatchObject({ error: reason });
    expect(filesOf(id)).toEqual([]);
    await worker.waitForLine(new RegExp(`${id}.*"isFinal":true.*export failed`));
    const deadLetter = await until(async () => {
      const { rows } = await api.db.pool.query(
        "SELECT id, data FROM jobs.job WHERE name = 'dead-letters' AND data ->> 'id' = $1",
        [id],
      );
      return rows[0];
    });
    expect(deadLetter.data).toEqual({ tenantId: tenant.tenantId, id });
    await worker.stop();
    // The operator mends it, and retries the dead letter (HA-18).
    const retried = await call(api.apiUrl, "POST", `/admin/dlq/${deadLetter.id}/retry`, {
      key: api.adminKey,
    });
    expect(retried.status).toBe(202);
    const mended = startWorker();
    await until(async () => (await ask(id)).status !== "failed", { deadlineMs: 30_000 });
    await expectWhole(id);
    await mended.stop();
  }
  rmSync(blocked);
});

test("HA-12 a worker that is asked to stop gives its export to another at once", async () => {
  await fillPending(api, tenant.tenantId, MANY);
  const first = startWorker();
  const id = await beginExport(tenant, { format: "json" });
  await until(() => filesOf(id).some((name) => name.endsWith(".part")), {
    intervalMs: 1,
    deadlineMs: 30_000,
  });
  await first.stop();
  startWorker();
  await expectWhole(id);
  await expectNoStrays(id);
});
