import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { beginExport, createExportFolder, type ExportFolder, fillPending } from "#test/support/exports.ts";
import { createJobQueue, type JobQueue } from "../jobs/jobQueue.ts";
import { newId } from "../newId.ts";
import type { Context } from "../verb.ts";
import { createExportFiles, type ExportFiles } from "./exportFiles.ts";
import { getExport } from "./getExport.ts";
import { type ExportJob, type RunExportDeps, runExport } from "./runExport.ts";
import { sweepExports } from "./sweepExports.ts";

const DAY_MS = 86_400_000;
const ROWS = 12_000; // three pages

let folder: ExportFolder;
let api: TestApi;
let jobs: JobQueue;
let files: ExportFiles;
let deps: RunExportDeps;

// No worker runs here: the test does what a worker would, step by step.
beforeAll(async () => {
  folder = createExportFolder();
  api = await startTestApi({ EXPORT_FOLDER: folder.folder });
  const logger = pino({ level: "silent" });
  jobs = createJobQueue(api.db, { supervise: false, logger });
  files = createExportFiles(folder.folder);
  deps = { db: api.db, files, clock: () => new Date(), logger, tenantBytesMax: 1e9 };
});
afterAll(async () => {
  await jobs?.stop();
  await api?.stop();
  folder.remove();
});

type Begun = { tenant: { tenantId: string; key: string; apiUrl: string }; id: string; job: ExportJob };

async function begin(rows = ROWS): Promise<Begun> {
  const tenant = { ...(await createTenantKey(api)), apiUrl: api.apiUrl };
  await fillPending(api, tenant.tenantId, rows);
  const id = await beginExport(tenant, { format: "json" });
  return { tenant, id, job: await jobOf(tenant.tenantId, id) };
}

/** The job as a worker gets it. */
async function jobOf(tenantId: string, id: string): Promise<ExportJob> {
  const { jobId } = await rowOf(id);
  return { id: jobId, key: { tenantId, id }, isLastTry: false, signal: new AbortController().signal };
}

async function rowOf(id: string) {
  const { rows } = await api.db.pool.query(
    `SELECT state, attempt, job_id AS "jobId", total_rows AS "totalRows", failure FROM app.exports WHERE id = $1`,
    [id],
  );
  return rows[0];
}
const filesOf = (id: string) => folder.files().filter((name) => name.includes(id));
const ask = ({ tenant, id }: Begun) => call(api.apiUrl, "GET", `/v1/export/${id}`, { key: tenant.key });
const at = (deps: RunExportDeps, ms: number) => ({ ...deps, clock: () => new Date(Date.now() + ms) });

/** Files whose first write waits until `meanwhile` is done. */
function interruptedFiles(meanwhile: () => Promise<unknown>): ExportFiles {
  let isFirst = true;
  return {
    ...files,
    async create(attempt) {
      const writer = await files.create(attempt);
      return {
        ...writer,
        async write(text) {
          if (isFirst) {
            isFirst = false;
            await meanwhile();
          }
          await writer.write(text);
        },
      };
    },
  };
}

const sweep = (given = deps, boss?: Parameters<typeof sweepExports>[0]["boss"]) =>
  jobs.boss().then((queue) => sweepExports({ ...given, boss: boss ?? queue }));

test("HA-12 a job that comes again after its export was completed changes nothing", async () => {
  const begun = await begin();
  await runExport(deps, begun.job);
  const [row, answer] = [await rowOf(begun.id), await ask(begun)];
  expect(row).toMatchObject({ state: "completed", totalRows: ROWS });
  expect(answer.body).toHaveLength(ROWS);
  await runExport(deps, begun.job);
  expect(await rowOf(begun.id)).toEqual(row);
  expect(filesOf(begun.id)).toEqual([`${begun.tenant.tenantId}/${begun.id}.${row.attempt}`]);
});

test("HA-12 of two attempts at once the later one counts, and the earlier one leaves nothing", async () => {
  const begun = await begin();
  let second = "";
  const meanwhile = async () => {
    await runExport(deps, begun.job);
    second = (await rowOf(begun.id)).attempt;
  };
  await runExport({ ...deps, files: interruptedFiles(meanwhile) }, begun.job);
  expect(await rowOf(begun.id)).toMatchObject({ state: "completed", attempt: second });
  expect(filesOf(begun.id)).toEqual([`${begun.tenant.tenantId}/${begun.id}.${second}`]);
  expect((await ask(begun)).body).toHaveLength(ROWS);
});

test("HA-12 a file is there for 24 hours to the millisecond, then 410, whether it is deleted already or not", async () => {
  const begun = await begin(1);
  const completedAt = new Date();
  await runExport({ ...deps, clock: () => completedAt }, begun.job);
  const get = (ms: number) => {
    const caller = { tenantId: begun.tenant.tenantId } as Context["caller"];
    const ctx = { db: api.db, caller, clock: () => new Date(completedAt.getTime() + ms) } as Context;
    return getExport({ ctx, input: { id: begun.id } });
  };
  await sweep({ ...deps, clock: () => new Date(completedAt.getTime() + DAY_MS - 1) });
  expect(await get(DAY_MS - 1)).toMatchObject({ state: "completed" });
  expect(filesOf(begun.id)).toHaveLength(1);
  await expect(get(DAY_MS)).rejects.toMatchObject({ status: 410, message: "Export file has expired" });

  // Stopped after the file was deleted and before its row says so.
  const { attempt } = await rowOf(begun.id);
  await files.remove({ ...begun.job.key, attempt });
  await expect(get(DAY_MS)).rejects.toMatchObject({ status: 410 });
  await sweep({ ...deps, clock: () => new Date(completedAt.getTime() + DAY_MS) });
  expect((await rowOf(begun.id)).state).toBe("expired");
  expect(await ask(begun)).toMatchObject({ status: 410, body: { error: "Export file has expired" } });
  await sweep(at(deps, 31 * DAY_MS));
  expect(await ask(begun)).toMatchObject({ status: 404 });
});

test("HA-12 the sweep deletes files that no row names, and no others", async () => {
  const begun = await begin();
  const { tenantId } = begun.tenant;
  mkdirSync(path.join(folder.folder, tenantId), { recursive: true });
  writeFileSync(path.join(folder.folder, tenantId, `${begun.id}.${newId()}.part`), "half a file");
  const unknown = { tenantId: newId(), id: newId(), attempt: newId() };
  const finished = await files.create(unknown);
  await finished.write("[]");
  await finished.finish();
  const notOurs = path.join(folder.folder, tenantId, "notes.txt");
  writeFileSync(notOurs, "");
  let duringAttempt: string[] = [];
  const meanwhile = async () => {
    await sweep();
    duringAttempt = filesOf(begun.id);
  };
  await runExport({ ...deps, files: interruptedFiles(meanwhile) }, begun.job);
  const { attempt } = await rowOf(begun.id);
  expect(duringAttempt).toEqual([`${tenantId}/${begun.id}.${attempt}.part`]);
  await sweep();
  expect(filesOf(begun.id)).toEqual([`${tenantId}/${begun.id}.${attempt}`]);
  expect(filesOf(unknown.id)).toEqual([]);
  expect(folder.files()).toContain(`${tenantId}/notes.txt`);
});

test("HA-12 an export whose job was given up without a word is failed, and can be retried by an operator", async () => {
  const begun = await begin(1);
  await sweep();
  expect((await rowOf(begun.id)).state).toBe("pending"); // its job waits
  await sweep(deps, { findJobs: async () => [] });
  expect((await ask(begun)).body).toMatchObject({
    status: "failed",
    error: "It was given up after several tries",
  });
  await runExport(deps, { ...begun.job, id: newId() });
  expect((await ask(begun)).body).toHaveLength(1);
});

test("HA-12 a process that stops lets go of its export at the next page", async () => {
  const begun = await begin();
  const stopping = new AbortController();
  const meanwhile = async () => stopping.abort();
  const run = runExport(
    { ...deps, files: interruptedFiles(meanwhile) },
    { ...begun.job, signal: stopping.signal },
  );
  await expect(run).rejects.toMatchObject({ name: "AbortError" });
  expect(filesOf(begun.id)).toEqual([]);
  await runExport(deps, begun.job);
  expect((await ask(begun)).body).toHaveLength(ROWS);
});
