import { createHash } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowsHolding, startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { startPostgresProxy } from "#test/support/postgresProxy.ts";
import { until } from "#test/support/until.ts";

let api: TestApi;
let tenantId: string;

beforeAll(async () => {
  api = await startTestApi();
  ({ tenantId } = await createTenantKey(api));
});
afterAll(() => api.stop());

const admin = (method: string, path: string, body?: unknown) =>
  call(api.apiUrl, method, path, { key: api.adminKey, body });
const createKey = (body: object) => admin("POST", "/admin/api-keys", { tenantId, name: "key", ...body });
/** 404 for a key that is let in with scope query. */
const probe = (key: string, origin = api.apiUrl) =>
  call(origin, "GET", `/v1/hashes/${randomHash()}`, { key });

describe("HA-16 a tenant", () => {
  test("is created and listed, the newest first", async () => {
    const created = await admin("POST", "/admin/tenants", { name: "Acme", contactEmail: "a@acme.example" });
    expect(created).toMatchObject({
      status: 201,
      body: { name: "Acme", contactEmail: "a@acme.example", status: "active" },
    });
    const listed = await admin("GET", "/admin/tenants?limit=1");
    expect(listed.status).toBe(200);
    expect(listed.body.data).toEqual([created.body]);
    expect(listed.body.pagination).toMatchObject({ page: 1, limit: 1 });
    expect(listed.body.pagination.total).toBeGreaterThan(1);
    const second = await admin("GET", "/admin/tenants?page=2&limit=1");
    expect(second.body.data[0].id < created.body.id).toBe(true);
  });

  test.each([
    [{}, "name"],
    [{ name: "" }, "name"],
    [{ name: "x".repeat(256) }, "name"],
    [{ name: 7 }, "name"],
    [{ name: "a\0" }, "name"],
    [{ name: "x", contactEmail: "nobody" }, "contactEmail"],
    [{ name: "x", contactEmail: 7 }, "contactEmail"],
  ])("%j is refused by the name of the member", async (body, member) => {
    expect(await admin("POST", "/admin/tenants", body)).toMatchObject({ status: 400, body: { member } });
  });

  test("may have a name of 255 characters", async () => {
    expect((await admin("POST", "/admin/tenants", { name: "é".repeat(255) })).status).toBe(201);
  });

  test.each(["page=0", "page=-1", "page=x", "page=1.5", "limit=0", "limit=101", "limit=", "page="])(
    "?%s is a 400",
    async (query) => {
      const member = query.split("=")[0];
      expect(await admin("GET", `/admin/tenants?${query}`)).toMatchObject({ status: 400, body: { member } });
    },
  );
});

describe("HA-16 a key", () => {
  test("is shown once, has 67 characters, and is kept as its SHA-256 alone", async () => {
    const created = await createKey({ scopes: ["query"] });
    expect(created.status).toBe(201);
    const { key, id, keyPrefix } = created.body;
    expect(key).toMatch(/^ha_[0-9a-f]{64}$/);
    expect(key).toHaveLength(67);
    expect(keyPrefix).toBe(key.slice(0, 8));
    expect((await probe(key)).status).toBe(404);

    const sha256 = createHash("sha256").update(key).digest();
    const listed = await admin("GET", `/admin/api-keys?tenantId=${tenantId}`);
    expect(listed.body.data.map((one: { id: string }) => one.id)).toContain(id);
    const answers = JSON.stringify(listed.body);
    for (const secret of [key.slice(8), sha256.toString("hex"), sha256.toString("base64")])
      expect(answers).not.toContain(secret);

    expect(await rowsHolding(api.databaseUrl, key.slice(3))).toEqual([]);
    expect(await rowsHolding(api.databaseUrl, key.slice(20, 40))).toEqual([]);
    expect(await rowsHolding(api.databaseUrl, sha256.toString("hex"))).toHaveLength(1);
    expect(api.api.output()).not.toContain(key.slice(8));
  });

  test("without scopes may submit, query and manage, and never administer", async () => {
    for (const scopes of [{}, { scopes: [] }]) {
      const { body } = await createKey(scopes);
      expect(body.scopes.toSorted()).toEqual(["manage", "query", "submit"]);
      expect(body.rateLimitPerMinute).toBe(60);
      const refused = await call(api.apiUrl, "GET", "/admin/tenants", { key: body.key });
      expect(refused.status).toBe(403);
    }
  });

  test.each([1, 10_000])("may have a rate limit of %i", async (rateLimitPerMinute) => {
    expect(await createKey({ rateLimitPerMinute })).toMatchObject({
      status: 201,
      body: { rateLimitPerMinute },
    });
  });

  test.each([
    [{ rateLimitPerMinute: 0 }, "rateLimitPerMinute"],
    [{ rateLimitPerMinute: 10_001 }, "rateLimitPerMinute"],
    [{ rateLimitPerMinute: 1.5 }, "rateLimitPerMinute"],
    [{ rateLimitPerMinute: "60" }, "rateLimitPerMinute"],
    [{ scopes: ["submit", "everything"] }, "scopes[1]"],
    [{ scopes: "submit" }, "scopes"],
    [{ name: "" }, "name"],
    [{ name: undefined }, "name"],
    [{ tenantId: "acme" }, "tenantId"],
    [{ tenantId: undefined }, "tenantId"],
  ])("%j is refused by the name of the member", async (body, member) => {
    expect(await createKey(body)).toMatchObject({ status: 400, body: { member } });
  });

  test("of an unknown tenant is a 404", async () => {
    expect(await createKey({ tenantId: "0190aaaa-0000-7000-8000-000000000000" })).toMatchObject({
      status: 404,
      body: { error: "Tenant not found" },
    });
  });

  test("is listed with its last use, soon after it", async () => {
    const { body } = await createKey({});
    const lastUsedAt = async () => {
      const listed = await admin("GET", `/admin/api-keys?tenantId=${tenantId}`);
      return listed.body.data.find(({ id }: { id: string }) => id === body.id).lastUsedAt;
    };
    expect(await lastUsedAt()).toBeNull();
    const before = Date.now();
    await probe(body.key);
    const used = Date.parse(await until(lastUsedAt));
    expect(used).toBeGreaterThanOrEqual(before);
    expect(used).toBeLessThanOrEqual(Date.now());
  });

  test("keeps its last use for later while it cannot be written", async () => {
    const proxy = await startPostgresProxy({ databaseUrl: api.databaseUrl });
    const behind = await api.startApi({ DATABASE_URL: proxy.url });
    const { body } = await createKey({});
    const fault = proxy.addFault({ matching: /SET last_used_at/, stored: false });
    await probe(body.key, behind.url);
    await fault.done;
    await until(async () => {
      const listed = await admin("GET", `/admin/api-keys?tenantId=${tenantId}`);
      return listed.body.data.find(({ id }: { id: string }) => id === body.id).lastUsedAt !== null;
    });
    await behind.process.stop();
    await proxy.stop();
  });

  test("is listed for a tenant that is named, by a UUID", async () => {
    expect((await admin("GET", "/admin/api-keys")).status).toBe(400);
    expect((await admin("GET", "/admin/api-keys?tenantId=acme")).status).toBe(400);
    const nobody = await admin("GET", "/admin/api-keys?tenantId=0190aaaa-0000-7000-8000-000000000000");
    expect(nobody).toMatchObject({ status: 200, body: { data: [] } });
  });

  test("that is revoked is refused from the next request on, in every process", async () => {
    const second = await api.startApi();
    for (let round = 0; round < 10; round++) {
      const { body } = await createKey({});
      const origins = [api.apiUrl, second.url];
      for (const origin of origins) expect((await probe(body.key, origin)).status).toBe(404);
      const revoked = await admin("DELETE", `/admin/api-keys/${body.id}`);
      expect(revoked).toMatchObject({ status: 204, body: null });
      for (const origin of origins) expect((await probe(body.key, origin)).status).toBe(401);
      expect((await admin("DELETE", `/admin/api-keys/${body.id}`)).status).toBe(204);
    }
    await second.process.stop();
  });

  test("that is revoked again, or that nobody knows, makes no process read its keys again", async () => {
    const version = async () =>
      (await api.db.pool.query("SELECT version FROM app.access_version")).rows[0].version;
    const { keyId } = await createTenantKey(api);
    const before = await version();
    await admin("DELETE", `/admin/api-keys/${keyId}`);
    const after = await version();
    expect(after).not.toBe(before);
    expect((await admin("DELETE", `/admin/api-keys/${keyId}`)).status).toBe(204);
    await admin("DELETE", "/admin/api-keys/0190aaaa-0000-7000-8000-000000000000");
    expect(await version()).toBe(after);
  });

  test("that is revoked, or whose tenant is suspended, stores nothing from then on, in every process", async () => {
    const second = await api.startApi();
    const { key, keyId, tenantId: suspended } = await createTenantKey(api, { scopes: ["submit"] });
    const submit = (origin: string, body: object = { hash: randomHash() }) =>
      call(origin, "POST", "/v1/hashes", { key, body });
    const accepted = async () => {
      const { rows } = await api.db.pool.query("SELECT FROM app.submissions WHERE tenant_id = $1", [
        suspended,
      ]);
      return rows.length;
    };
    const setStatus = (status: string) =>
      api.db.pool.query("UPDATE app.tenants SET status = $2 WHERE id = $1", [suspended, status]);
    for (const origin of [api.apiUrl, second.url]) expect((await submit(origin)).status).toBe(202);

    await setStatus("suspended");
    expect((await submit(second.url)).status).toBe(403);
    await setStatus("active");
    expect((await submit(second.url)).status).toBe(202);
    await admin("DELETE", `/admin/api-keys/${keyId}`);
    // A refusal for another reason must not tell either what a revoked key may do.
    expect((await submit(second.url, {})).status).toBe(401);
    expect((await submit(second.url)).status).toBe(401);
    expect((await submit(api.apiUrl)).status).toBe(401);
    expect(await accepted()).toBe(3);
    await second.process.stop();
  });

  test("that is revoked while many submit ends their submissions at one moment", async () => {
    const second = await api.startApi();
    const {
      key,
      keyId,
      tenantId: revoking,
    } = await createTenantKey(api, {
      scopes: ["submit"],
      rateLimitPerMinute: 10_000,
    });
    let revoked = false;
    const afterwards: number[] = [];
    const stored: string[] = [];
    const submitAll = async (origin: string) => {
      for (let i = 0; i < 60; i++) {
        const sentAfter = revoked;
        const answer = await call(origin, "POST", "/v1/hashes", { key, body: { hash: randomHash() } });
        if (sentAfter) afterwards.push(answer.status);
        if (answer.status === 202) stored.push(answer.body.id);
      }
    };
    const submitters = Array.from({ length: 16 }, (_, index) =>
      submitAll(index % 2 ? api.apiUrl : second.url),
    );
    await until(() => stored.length > 100);
    await admin("DELETE", `/admin/api-keys/${keyId}`);
    revoked = true;
    await Promise.all(submitters);
    expect(afterwards.length).toBeGreaterThan(0);
    expect(new Set(afterwards)).toEqual(new Set([401]));
    const { rows } = await api.db.pool.query("SELECT id FROM app.submissions WHERE tenant_id = $1", [
      revoking,
    ]);
    expect(rows.map(({ id }) => id).sort()).toEqual(stored.sort());
    await second.process.stop();
  });

  test("that nobody knows cannot be revoked", async () => {
    for (const id of ["0190aaaa-0000-7000-8000-000000000000", "key", "%00"])
      expect(await admin("DELETE", `/admin/api-keys/${id}`)).toMatchObject({
        status: 404,
        body: { error: "API key not found" },
      });
  });
});

describe("a key is presented", () => {
  let key: string;
  beforeAll(async () => {
    ({ key } = await createTenantKey(api));
  });

  test.each<[string, (key: string) => string]>([
    ["X-API-Key", (text) => text],
    ["X-Api-Key", (text) => text],
    ["x-api-key", (text) => text],
    ["Authorization", (text) => `Bearer ${text}`],
    ["authorization", (text) => `bearer ${text}`],
  ])("in %s", async (name, spell) => {
    expect(await statusWith([name, spell(key)])).toBe(404);
  });

  test.each<[string, (key: string) => string]>([
    ["X-API-Key", () => ""],
    ["X-API-Key", (text) => text.toUpperCase()],
    ["X-API-Key", (text) => `${text}0`],
    ["X-API-Key", (text) => text.slice(0, -1)],
    ["X-API-Key", () => `ha_${"0".repeat(64)}`],
    ["Authorization", (text) => text],
    ["Authorization", (text) => `Basic ${text}`],
    ["Authorization", () => "Bearer "],
  ])("and not like this: %s (%#)", async (name, spell) => {
    expect(await statusWith([name, spell(key)])).toBe(401);
  });

  test("and a refusal says so, alike for a wrong key and an unknown one", async () => {
    const missing = await call(api.apiUrl, "GET", "/v1/batches");
    expect(missing).toMatchObject({ status: 401, body: { error: expect.any(String) } });
    const unknown = await probe(`ha_${"0".repeat(64)}`);
    const malformed = await probe("nonsense");
    expect(malformed.body).toEqual(unknown.body);
  });

  /** Status of a read with this header, spelled as it is: fetch would write every name in lower case. */
  function statusWith(header: [string, string]): Promise<number> {
    const { hostname, port } = new URL(api.apiUrl);
    return new Promise((resolve, reject) => {
      request({
        hostname,
        port,
        path: `/v1/hashes/${randomHash()}`,
        headers: { [header[0]]: header[1] },
      })
        .on("response", (response) => resolve(response.resume().statusCode!))
        .on("error", reject)
        .end();
    });
  }
});

describe("HA-20 a refusal", () => {
  test("of a scope names what is required", async () => {
    const submitter = await createTenantKey(api, { scopes: ["submit"] });
    const reader = await createTenantKey(api, { scopes: ["query"] });
    const body = { hash: randomHash() };
    expect(await call(api.apiUrl, "POST", "/v1/hashes", { key: reader.key, body })).toMatchObject({
      status: 403,
      body: { error: "Insufficient scope. Required: submit or admin" },
    });
    for (const path of [`/v1/hashes/${body.hash}`, "/v1/batches", `/v1/batches/${tenantId}`])
      expect(await call(api.apiUrl, "GET", path, { key: submitter.key })).toMatchObject({
        status: 403,
        body: { error: "Insufficient scope. Required: query or admin" },
      });
    const manager = await createTenantKey(api, { scopes: ["submit", "query", "manage"] });
    expect(await call(api.apiUrl, "GET", "/admin/tenants", { key: manager.key })).toMatchObject({
      status: 403,
      body: { error: "Insufficient scope. Required: admin" },
    });
    expect(
      await call(api.apiUrl, "GET", `/admin/api-keys?tenantId=${reader.tenantId}`, { key: reader.key }),
    ).toMatchObject({ status: 403, body: { error: "Insufficient scope. Required: manage or admin" } });
  });

  test("meets a tenant that would manage another's keys, or grant what it has not", async () => {
    const manager = await createTenantKey(api, { scopes: ["manage"] });
    const other = await createTenantKey(api);
    const as = (method: string, path: string, body?: object) =>
      call(api.apiUrl, method, path, { key: manager.key, body });
    const create = (body: object) => as("POST", "/admin/api-keys", { name: "key", ...body });
    expect((await create({ tenantId: manager.tenantId })).status).toBe(201);
    expect((await create({ tenantId: manager.tenantId, scopes: ["admin"] })).status).toBe(403);
    expect((await create({ tenantId: other.tenantId })).status).toBe(404);
    expect((await as("GET", `/admin/api-keys?tenantId=${other.tenantId}`)).status).toBe(404);
    expect((await as("DELETE", `/admin/api-keys/${other.keyId}`)).status).toBe(404);
    expect((await as("GET", `/admin/api-keys?tenantId=${manager.tenantId}`)).body.data).toHaveLength(2);
  });

  test("comes before the body is judged, and admin may do all", async () => {
    const reader = await createTenantKey(api, { scopes: ["query"] });
    expect((await call(api.apiUrl, "POST", "/v1/hashes", { key: reader.key, raw: "{" })).status).toBe(403);
    const body = { hash: randomHash() };
    expect((await call(api.apiUrl, "POST", "/v1/hashes", { key: api.adminKey, body })).status).toBe(202);
  });

  test("meets every key of a suspended tenant, until it is active again", async () => {
    const tenant = await createTenantKey(api);
    const setStatus = (status: string) =>
      api.db.pool.query("UPDATE app.tenants SET status = $2 WHERE id = $1", [tenant.tenantId, status]);
    await setStatus("suspended");
    const refused = await probe(tenant.key);
    expect(refused.status).toBe(403);
    expect(refused.body).toEqual({ error: expect.any(String) });
    const hash = randomHash();
    expect((await call(api.apiUrl, "POST", "/v1/hashes", { key: tenant.key, body: { hash } })).status).toBe(
      403,
    );
    await setStatus("active");
    expect((await call(api.apiUrl, "POST", "/v1/hashes", { key: tenant.key, body: { hash } })).status).toBe(
      202,
    );
  });

  test("meets a tenant that changes its keys more than 200 times a minute", async () => {
    const { key, tenantId: own } = await createTenantKey(api, {
      scopes: ["manage"],
      rateLimitPerMinute: 10_000,
    });
    const created = await call(api.apiUrl, "POST", "/admin/api-keys", {
      key,
      body: { tenantId: own, name: "key", scopes: ["query"] },
    });
    const statuses: number[] = [];
    // A minute may turn once while they come.
    for (let change = 0; change < 410 && !statuses.includes(429); change++)
      statuses.push((await call(api.apiUrl, "DELETE", `/admin/api-keys/${created.body.id}`, { key })).status);
    expect(statuses.at(-1)).toBe(429);
    expect(statuses.length).toBeGreaterThanOrEqual(200);
    expect(new Set(statuses)).toEqual(new Set([204, 429]));
  });

  test.each([
    ["GET", "/nothing"],
    ["GET", "/v1/nothing"],
    ["PUT", "/v1/hashes"],
    ["POST", "/v1/verify/0x00"],
    ["GET", "/v1/hashes/%zz"],
  ])("of %s %s is JSON with an error", async (method, path) => {
    const answer = await call(api.apiUrl, method, path, { key: api.adminKey });
    expect([400, 404]).toContain(answer.status);
    expect(answer.body.error).toEqual(expect.any(String));
    expect(answer.headers.get("Content-Type")).toMatch(/^application\/json/);
    expect(answer.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});
