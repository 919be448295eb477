import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { listOperations } from "#test/support/openapi.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const audit = (query = "") => call(api.apiUrl, "GET", `/admin/audit-logs?${query}`, { key: api.adminKey });

async function rowsOf(requestId: string | null) {
  const { rows } = await api.db.pool.query("SELECT * FROM app.audit_logs WHERE request_id = $1", [requestId]);
  return rows;
}

describe("HA-15 one row per authenticated call", () => {
  test("stands when the answer arrives, whatever the answer was", async () => {
    const { key, keyId, tenantId } = await createTenantKey(api, { scopes: ["submit", "query"] });
    const hash = randomHash();
    const batch = { hashes: [{ hash: randomHash() }, { hash }] };
    const calls: [string, string, unknown, string, string, string | null, number][] = [
      ["POST", "/v1/hashes", { hash }, "hash.submit", "hash", hash, 202],
      ["POST", "/v1/hashes", { hash }, "hash.submit", "hash", hash, 200],
      ["POST", "/v1/hashes", { hash: "0x" }, "hash.submit", "hash", null, 400],
      ["POST", "/v1/hashes/batch", batch, "hash.submit_batch", "hash", null, 202],
      ["GET", `/v1/hashes/0x${hash.slice(2).toUpperCase()}`, undefined, "hash.query", "hash", hash, 200],
      ["GET", "/v1/hashes/%00", undefined, "hash.query", "hash", null, 400],
      ["GET", "/v1/batches", undefined, "batch.list", "batch", null, 200],
      ["GET", `/v1/batches/${tenantId}`, undefined, "batch.view", "batch", tenantId, 404],
      ["GET", "/admin/tenants", undefined, "tenant.list", "tenant", null, 403],
    ];
    for (const [method, path, body, action, resourceType, resourceId, statusCode] of calls) {
      const answer = await call(api.apiUrl, method, path, { key, body });
      expect(answer.status).toBe(statusCode);
      expect(await rowsOf(answer.headers.get("X-Request-Id"))).toMatchObject([
        {
          tenant_id: tenantId,
          api_key_id: keyId,
          action,
          resource_type: resourceType,
          resource_id: resourceId,
          status_code: statusCode,
          ip_address: "127.0.0.1",
        },
      ]);
    }
  });

  test("is left by every route that needs a key, and by a call over its limit too", async () => {
    const { key } = await createTenantKey(api, { scopes: ["admin"], rateLimitPerMinute: 10_000 });
    const document = (await call(api.apiUrl, "GET", "/openapi.json")).body;
    for (const { takesKey, method, examplePath, exampleBody, operationId } of listOperations(document)) {
      const answer = await call(api.apiUrl, method, examplePath, { key, body: exampleBody });
      const rows = await rowsOf(answer.headers.get("X-Request-Id"));
      expect(rows.length, operationId).toBe(takesKey ? 1 : 0);
    }
    const limited = await createTenantKey(api, { rateLimitPerMinute: 1 });
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await call(api.apiUrl, "GET", "/v1/batches", limited));
    const last = answers.at(-1)!;
    expect(last.status).toBe(429);
    expect(await rowsOf(last.headers.get("X-Request-Id"))).toMatchObject([{ status_code: 429 }]);
  });

  test("is not left by a call that nobody can be held to", async () => {
    const answer = await call(api.apiUrl, "GET", "/v1/batches", { key: `ha_${"0".repeat(64)}` });
    expect(answer.status).toBe(401);
    expect(await rowsOf(answer.headers.get("X-Request-Id"))).toEqual([]);
  });

  test("can neither be changed nor deleted by the API's own role", async () => {
    const { grantAccess } = await import("#api/db/grantAccess.ts");
    await api.db.pool.query("CREATE ROLE auditor_test");
    await grantAccess(api.databaseUrl, "auditor_test");
    for (const statement of [
      "UPDATE app.audit_logs SET action = 'x.y'",
      "DELETE FROM app.audit_logs",
      "TRUNCATE app.audit_logs",
    ]) {
      await expect(api.db.pool.query(`SET ROLE auditor_test; ${statement}`)).rejects.toMatchObject({
        code: "42501",
      });
      await api.db.pool.query("RESET ROLE");
    }
  });
});

describe("HA-15 the audit log is read", () => {
  test("newest first, page by page, each row once", async () => {
    const { key, tenantId } = await createTenantKey(api);
    for (let i = 0; i < 7; i++) await call(api.apiUrl, "GET", "/v1/batches", { key });
    const pages = [];
    for (const page of [1, 2, 3, 4])
      pages.push((await audit(`tenantId=${tenantId}&limit=3&page=${page}`)).body);
    const ids = pages.flatMap(({ data }) => data.map(({ requestId }: { requestId: string }) => requestId));
    expect(ids).toHaveLength(7);
    expect(ids).toEqual([...new Set(ids)].sort().reverse());
    expect(pages[0].pagination).toEqual({ page: 1, limit: 3, total: 7, hasMore: true });
    expect(pages[2].pagination).toEqual({ page: 3, limit: 3, total: 7, hasMore: false });
    expect(pages[3].data).toEqual([]);
  });

  test("by tenant, action and time", async () => {
    const { key, tenantId } = await createTenantKey(api);
    await call(api.apiUrl, "POST", "/v1/hashes", { key, body: { hash: randomHash() } });
    await call(api.apiUrl, "GET", "/v1/batches", { key });
    const actions = async (query: string) =>
      (await audit(`tenantId=${tenantId}&${query}`)).body.data.map(
        ({ action }: { action: string }) => action,
      );
    expect(await actions("")).toEqual(["batch.list", "hash.submit"]);
    expect(await actions("action=hash.submit")).toEqual(["hash.submit"]);
    expect(await actions("action=batch.list")).toEqual(["batch.list"]);
    expect(await actions("action=nothing")).toEqual([]);
    const today = new Date().toISOString().slice(0, 10);
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    expect(await actions(`from=${yesterday}&to=${today}`)).toHaveLength(2);
    expect(await actions(`from=${tomorrow}`)).toEqual([]);
    expect(await actions(`to=${yesterday}`)).toEqual([]);
    expect(await actions(`to=${yesterday}T23:59:59Z`)).toEqual([]);
    expect((await audit("action=tenant.create")).body.data.length).toBeGreaterThan(0);
  });

  test.each([
    "page=0",
    "limit=0",
    "limit=101",
    "tenantId=x",
    "from=yesterday",
    "to=2026-13-01",
    "from=0000-01-01",
    "to=9999-12-31T23:59:59-01:00",
    `action=${"x".repeat(101)}`,
  ])("?%s is a 400 that names it", async (query) => {
    expect(await audit(query)).toMatchObject({ status: 400, body: { member: query.split("=")[0] } });
  });

  test("with 50 rows a page unless told otherwise", async () => {
    expect((await audit()).body.pagination).toMatchObject({ page: 1, limit: 50 });
  });
});
