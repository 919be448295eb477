import { readdirSync, readlinkSync, truncateSync, unlinkSync } from "node:fs";
import path from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import {
  beginExport,
  createExportFolder,
  downloadExport,
  type ExportFolder,
  exportText,
  fillPending,
  startJobWorker,
} from "#test/support/exports.ts";
import type { StartedProcess } from "#test/support/process.ts";
import { until } from "#test/support/until.ts";
import { newId } from "../newId.ts";

const COLUMNS = "id,hash,externalId,status,batchId,merkleRoot,txHash,blockNumber,createdAt,anchoredAt";

let folder: ExportFolder;
let api: TestApi;
let worker: StartedProcess;
let owner: Awaited<ReturnType<typeof createTenantKey>> & { apiUrl: string };

beforeAll(async () => {
  folder = createExportFolder();
  api = await startTestApi({ EXPORT_FOLDER: folder.folder });
  worker = startJobWorker(api, folder);
  owner = await createTenant();
});
afterAll(async () => {
  await worker?.stop();
  await api?.stop();
  folder.remove();
});

async function createTenant() {
  return { ...(await createTenantKey(api)), apiUrl: api.apiUrl };
}
const submit = async (key: string, hash: string, more: object = {}) =>
  (await call(api.apiUrl, "POST", "/v1/hashes", { key, body: { hash, ...more } })).body;
const post = (type: string, body: unknown, key = owner.key) =>
  call(api.apiUrl, "POST", `/v1/export/${type}`, { key, body });
const ask = (id: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(`${api.apiUrl}/v1/export/${id}`, { method, headers: { "X-API-Key": owner.key, ...headers } });

describe("HA-12 an export of hashes", () => {
  test("holds the tenant's own, with what GET /v1/hashes/:hash says of each, in the order of submission", async () => {
    const tenant = await createTenant();
    const stranger = await createTenant();
    const [sealed, pending] = [randomHash(), randomHash()];
    await submit(tenant.key, sealed, { externalId: "=cmd|' /C calc'!A0" });
    await submit(stranger.key, sealed);
    const batchId = newId();
    await api.db.pool.query(
      `INSERT INTO app.batches (id, chain_id, publisher, root, leaf_count, state, sealed_at)
       SELECT $1, chain_id, publisher, $2, 1, 'sealed', now() FROM app.chains`,
      [batchId, Buffer.from(sealed.slice(2), "hex")],
    );
    await api.db.pool.query(
      "UPDATE app.submissions SET batch_id = $1, leaf_index = 0 WHERE content_hash = $2",
      [batchId, Buffer.from(sealed.slice(2), "hex")],
    );
    await submit(tenant.key, pending, { externalId: 'Zoë, "7"\r\n' });
    const told = await Promise.all(
      [sealed, pending].map(
        async (hash) => (await call(api.apiUrl, "GET", `/v1/hashes/${hash}`, { key: tenant.key })).body,
      ),
    );

    const expected = told.map(({ id, hash, externalId, status, batch, createdAt }) => ({
      id,
      hash,
      externalId,
      status,
      batchId: batch?.id ?? null,
      merkleRoot: batch?.merkleRoot ?? null,
      txHash: null,
      blockNumber: null,
      createdAt,
      anchoredAt: null,
    }));
    expect(expected.map(({ status }) => status)).toEqual(["batched", "pending"]);
    const json = await exportText(tenant, { format: "json" });
    expect(JSON.parse(json)).toEqual(expected);
    expect(Object.keys(JSON.parse(json)[0]).join()).toBe(COLUMNS);

    const csv = await exportText(tenant);
    expect(csv.split("\r\n")[0]).toBe(COLUMNS);
    const asCells = (row: Record<string, unknown>) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, value === null ? "" : String(value)]),
      );
    expect(parse(csv, { columns: true })).toEqual(
      expected.map((row) => asCells({ ...row, externalId: row.externalId.replace(/^=/, "'=") })),
    );
  });

  test("is a CSV file by default, and a head or an empty array when there is nothing to export", async () => {
    const tenant = await createTenant();
    const csv = await downloadExport(tenant, await beginExport(tenant, {}));
    expect(csv.headers.get("Content-Type")).toBe("text/csv; charset=utf-8; header=present");
    expect(await csv.text()).toBe(`${COLUMNS}\r\n`);
    const json = await downloadExport(tenant, await beginExport(tenant, { format: "json" }));
    expect(json.headers.get("Content-Type")).toBe("application/json");
    expect(await json.json()).toEqual([]);
    expect(await exportText(tenant, { type: "receipts" })).toMatch(
      /^hash,merkleRoot,chainId,.*,receipt\r\n$/,
    );
  });

  test("filters by status, and by the day of submission in UTC, the last one included", async () => {
    const tenant = await createTenant();
    const days = [
      "2026-01-31T23:59:59.999Z",
      "2026-02-01T00:00:00.000Z",
      "2026-02-28T23:59:59.999Z",
      "2026-03-01T00:00:00.000Z",
    ];
    for (const day of days) {
      const { id } = await submit(tenant.key, randomHash(), { externalId: day });
      const timed = new Date(day)
        .getTime()
        .toString(16)
        .padStart(12, "0")
        .replace(/^(.{8})/, "$1-");
      await api.db.pool.query(
        "UPDATE app.submissions SET created_at = $2, id = overlay(id::text placing $3 from 1 for 13)::uuid WHERE id = $1",
        [id, day, timed],
      );
    }
    const exported = async (filters: object) =>
      JSON.parse(await exportText(tenant, { format: "json", filters })).map(
        ({ createdAt }: { createdAt: string }) => createdAt,
      );
    expect(await exported({ from: "2026-02-01", to: "2026-02-28" })).toEqual(days.slice(1, 3));
    expect(await exported({ from: "2026-02-28" })).toEqual(days.slice(2));
    expect(await exported({ to: "2026-02-28T23:59:59.999Z" })).toEqual(days.slice(0, 3));
    expect(await exported({ to: "2026-02-28T23:59:59.998Z" })).toEqual(days.slice(0, 2));
    expect(await exported({ from: "2026-03-01T00:00:00+01:00" })).toEqual(days.slice(2));
    expect(await exported({ status: "pending", from: null })).toEqual(days);
    for (const status of ["batched", "anchored", "failed"]) expect(await exported({ status })).toEqual([]);
  });
});

describe("HA-12 POST /v1/export", () => {
  test.for([
    [{ format: "xml" }, "format"],
    [{ format: null }, "format"],
    [{ filters: { status: "sealed" } }, "filters.status"],
    [{ filters: { from: "yesterday" } }, "filters.from"],
    [{ filters: { from: "2026-02-30" } }, "filters.from"],
    [{ filters: { to: "2026-13-01" } }, "filters.to"],
    [{ filters: { from: "0000-01-01" } }, "filters.from"],
    [{ filters: { to: "9999-12-31T23:59:59-01:00" } }, "filters.to"],
    [{ filters: { to: "9999-12-31" } }, "filters.to"],
    [{ filters: { to: 7 } }, "filters.to"],
    [{ filters: { from: "2026-02-02", to: "2026-02-01" } }, "filters.to"],
    [{ filters: { from: "2026-02-01T12:00:00Z", to: "2026-02-01T11:59:59Z" } }, "filters.to"],
    [{ filters: [] }, "filters"],
    [[], undefined],
  ] as const)("refuses %j", async ([body, member]) => {
    for (const type of ["hashes", "receipts"]) {
      const answer = await post(type, body);
      expect(answer).toMatchObject({ status: 400, body: { error: expect.any(String) } });
      expect(answer.body.member).toBe(member);
    }
  });

  test("answers 202, and the state until there is a file; nobody else sees it", async () => {
    await worker.stop();
    try {
      const begun = await post("receipts", { format: "json" });
      expect(begun).toMatchObject({
        status: 202,
        body: { status: "pending", type: "receipts", format: "json" },
      });
      const { id } = begun.body;
      const waiting = await ask(id);
      expect(waiting.status).toBe(200);
      expect(waiting.headers.get("Content-Disposition")).toBe(null);
      expect(await waiting.json()).toEqual({
        id,
        status: "pending",
        type: "receipts",
        format: "json",
        totalRows: 0,
      });
      const stranger = await createTenant();
      for (const unknown of [
        call(api.apiUrl, "GET", `/v1/export/${id}`, { key: stranger.key }),
        call(api.apiUrl, "GET", "/v1/export/1", { key: owner.key }),
      ])
        expect(await unknown).toMatchObject({ status: 404, body: { error: "Export not found" } });
      const { rows } = await api.db.pool.query(
        "SELECT action, resource_type, resource_id, status_code FROM app.audit_logs WHERE tenant_id = $1 AND resource_id = $2 ORDER BY request_id",
        [owner.tenantId, id],
      );
      expect(rows).toEqual([
        { action: "export.create", resource_type: "export", resource_id: id, status_code: 202 },
        { action: "export.view", resource_type: "export", resource_id: id, status_code: 200 },
      ]);
    } finally {
      worker = startJobWorker(api, folder);
    }
  });

  test("lets two of a tenant be under way, exactly, and answers 429 to the next", async () => {
    await worker.stop();
    const tenant = await createTenant();
    try {
      const answers = await Promise.all(Array.from({ length: 8 }, () => post("hashes", {}, tenant.key)));
      expect(answers.map(({ status }) => status).sort()).toEqual([202, 202, 429, 429, 429, 429, 429, 429]);
      const refused = answers.find(({ status }) => status === 429)!;
      expect(refused.body.error).toBe("2 exports are under way; wait until one has ended");
      expect(refused.body.message).toBe(refused.body.error);
      expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
      expect((await post("hashes", {})).status).toBe(202); // another tenant's do not count
    } finally {
      worker = startJobWorker(api, folder);
    }
    for (const each of [owner, tenant])
      await Promise.all((await exportsOf(each)).map((id) => downloadExport(each, id)));
    expect((await post("hashes", {}, tenant.key)).status).toBe(202);
  });

  test("answers 429 while the tenant's files take all it may keep, and fails what would take more", async () => {
    const settings = { EXPORT_TENANT_BYTES_MAX: String(`${COLUMNS}\r\n`.length + 2 * "[]\n".length) };
    const small = await api.startApi(settings);
    const tenant = { ...(await createTenant()), apiUrl: small.url };
    await worker.stop();
    worker = startJobWorker(api, folder, { settings });
    await exportText(tenant);
    const tooLarge = await beginExport(tenant);
    await expect(downloadExport(tenant, tooLarge)).rejects.toThrow(
      /"status":"failed".*"error":"The file would be larger than the 6 bytes that are left/,
    );
    for (let i = 0; i < 2; i++) await exportText(tenant, { format: "json" });
    const refused = await call(small.url, "POST", "/v1/export/hashes", { key: tenant.key, body: {} });
    expect(refused.status).toBe(429);
    expect(refused.body.error).toMatch(/^Your export files take (\d+) bytes, of \1 that you may keep/);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(86_000);
    await worker.stop();
    worker = startJobWorker(api, folder);
  });
});

async function exportsOf({ tenantId }: { tenantId: string }): Promise<string[]> {
  const { rows } = await api.db.pool.query("SELECT id FROM app.exports WHERE tenant_id = $1", [tenantId]);
  return rows.map(({ id }) => id);
}

describe("HA-12 the file", () => {
  let id: string;
  let file: Buffer;
  let etag: string;

  beforeAll(async () => {
    await Promise.all(Array.from({ length: 20 }, () => submit(owner.key, randomHash())));
    id = await beginExport(owner, { format: "json" });
    const whole = await downloadExport(owner, id);
    file = Buffer.from(await whole.arrayBuffer());
    etag = whole.headers.get("ETag")!;
    expect(whole.headers.get("Content-Disposition")).toBe(`attachment; filename="hashes-${id}.json"`);
    expect(whole.headers.get("Content-Length")).toBe(String(file.length));
    expect(whole.headers.get("Accept-Ranges")).toBe("bytes");
    expect(whole.headers.get("Cache-Control")).toBe("private, no-store");
    expect(JSON.parse(file.toString())).toHaveLength(20);
  });

  test("is downloaded in pieces that fit together", async () => {
    const first = await ask(id, { Range: "bytes=0-999" });
    expect(first.status).toBe(206);
    expect(first.headers.get("Content-Range")).toBe(`bytes 0-999/${file.length}`);
    expect(first.headers.get("Content-Length")).toBe("1000");
    const rest = await ask(id, { Range: "bytes=1000-", "If-Range": etag });
    expect(rest.status).toBe(206);
    const pieces = [await first.arrayBuffer(), await rest.arrayBuffer()];
    expect(Buffer.concat(pieces.map((piece) => Buffer.from(piece)))).toEqual(file);
    const last = await ask(id, { Range: "bytes=-1", "If-Range": rest.headers.get("Last-Modified")! });
    expect(await last.text()).toBe("\n");
  });

  test("comes whole when the range is for another file, of several parts or malformed", async () => {
    const others: Record<string, string>[] = [
      { Range: "bytes=0-9", "If-Range": '"another"' },
      { Range: "bytes=0-9", "If-Range": `W/${etag}` },
      { Range: "bytes=0-1,5-6" },
      { Range: "bytes=9-0" },
    ];
    for (const headers of others) {
      const answer = await ask(id, headers);
      expect(answer.status).toBe(200);
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(file);
    }
  });

  test("answers 416 to a range beyond its end", async () => {
    const beyond = await ask(id, { Range: `bytes=${file.length}-` });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get("Content-Range")).toBe(`bytes */${file.length}`);
    expect(await beyond.json()).toEqual({ error: `The file has ${file.length} bytes` });
  });

  test("tells its size and name to HEAD", async () => {
    const head = await ask(id, { Range: "bytes=0-9" }, "HEAD");
    expect(head.status).toBe(200);
    expect(head.headers.get("Content-Length")).toBe(String(file.length));
    expect(head.headers.get("ETag")).toBe(etag);
    expect(await head.text()).toBe("");
  });

  test("is the same for another API process on the same folder", async () => {
    const other = await api.startApi();
    const answer = await fetch(`${other.url}/v1/export/${id}`, { headers: { "X-API-Key": owner.key } });
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(file);
    await other.process.stop();
  });

  test("that was cut or deleted by hand is a 410 that says so, and a line in the log", async () => {
    const name = folder.files().find((one) => one.includes(id))!;
    for (const harm of [
      () => truncateSync(path.join(folder.folder, name), 10),
      () => unlinkSync(path.join(folder.folder, name)),
    ]) {
      harm();
      const lost = await ask(id);
      expect(lost.status).toBe(410);
      expect(await lost.json()).toEqual({ error: "Export file is lost; start the export again" });
    }
    await api.api.waitForLine(new RegExp(`${id}.*export file is not in EXPORT_FOLDER`));
  });
});

test("HA-12 a download that is broken off leaves no file open, and none is open for HEAD and 416", async () => {
  const tenant = await createTenant();
  await fillPending(api, tenant.tenantId, 30_000);
  const id = await beginExport(tenant);
  await (await downloadExport(tenant, id)).body!.cancel();
  for (let i = 0; i < 5; i++) {
    const abort = new AbortController();
    const answer = await fetch(`${api.apiUrl}/v1/export/${id}`, {
      headers: { "X-API-Key": tenant.key },
      signal: abort.signal,
    });
    await answer.body!.getReader().read();
    abort.abort();
  }
  const fds = `/proc/${api.api.pid}/fd`;
  const openFiles = () => readdirSync(fds).filter((fd) => linkOf(path.join(fds, fd)).includes(folder.folder));
  await until(() => openFiles().length === 0);
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(fd);
  } catch {
    return ""; // closed meanwhile
  }
}
