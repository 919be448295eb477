import { createHash, randomBytes, randomUUID } from "node:crypto";
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { findDocumentVersion } from "./findDocumentVersion.ts";

let api: TestApi;
let second: string;
let key: string;

beforeAll(async () => {
  api = await startTestApi();
  ({ url: second } = await api.startApi());
  ({ key } = await createManager());
});
afterAll(() => api.stop());

const createManager = () => createTenantKey(api, { scopes: ["manage", "query"] });
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const newSlug = () => `doc-${randomBytes(6).toString("hex")}`;

async function createDocument(ownKey = key, slug = newSlug()): Promise<string> {
  const created = await call(api.apiUrl, "POST", "/v1/documents", {
    key: ownKey,
    body: { slug, title: "Terms" },
  });
  expect(created.status).toBe(201);
  return slug;
}

const addVersion = (slug: string, body: object, ownKey = key, origin = api.apiUrl) =>
  call(origin, "POST", `/v1/documents/${slug}/versions`, { key: ownKey, body });
const activate = (slug: string, id: string, origin = api.apiUrl) =>
  call(origin, "POST", `/v1/documents/${slug}/versions/${id}/activate`, { key });
const active = (slug: string, headers = {}, origin = api.apiUrl, query = "") =>
  call(origin, "GET", `/tool/v1/documents/${slug}/active${query}`, { key, headers });

async function withRole(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

async function statuses(slug: string): Promise<Record<string, string>> {
  const { body } = await call(api.apiUrl, "GET", `/v1/documents/${slug}/versions?limit=100`, { key });
  return Object.fromEntries(
    body.data.map((one: { version: string; language: string; status: string }) => [
      `${one.version} ${one.language}`,
      one.status,
    ]),
  );
}

describe("Documents: a document", () => {
  test("is created once per slug and tenant, and listed by the newest", async () => {
    const slug = newSlug();
    const created = await call(api.apiUrl, "POST", "/v1/documents", { key, body: { slug, title: "Terms" } });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      data: { id: expect.any(String), slug, title: "Terms", created_at: expect.stringMatching(/Z$/) },
    });
    const again = await call(api.apiUrl, "POST", "/v1/documents", { key, body: { slug, title: "Other" } });
    expect(again).toMatchObject({ status: 409, body: { errors: { slug: [expect.any(String)] } } });
    const other = await createManager();
    await createDocument(other.key, slug);
    const listed = await call(api.apiUrl, "GET", "/v1/documents?limit=1", { key });
    expect(listed.body).toMatchObject({ data: [created.body.data], pagination: { page: 1, limit: 1 } });
  });

  test.each([
    [{}, "slug"],
    [{ slug: "Terms", title: "T" }, "slug"],
    [{ slug: "a/b", title: "T" }, "slug"],
    [{ slug: "x".repeat(101), title: "T" }, "slug"],
    [{ slug: "terms", title: "" }, "title"],
    [{ slug: "terms", title: "a\0" }, "title"],
    [[], "body"],
  ])("%j is a 422 by the name of the member", async (body, member) => {
    const answer = await call(api.apiUrl, "POST", "/v1/documents", { key, body });
    expect(answer).toMatchObject({
      status: 422,
      body: { message: expect.any(String), errors: { [member]: [expect.any(String)] } },
    });
  });

  test("is one of 1,000 at most, and other tenants have theirs", async () => {
    const { key: ownKey, tenantId } = await createManager();
    await api.db.pool.query(
      `INSERT INTO app.documents (tenant_id, id, slug, title, created_at)
       SELECT $1, gen_random_uuid(), 'filled-' || n, 'Terms', now() FROM generate_series(1, 999) AS n`,
      [tenantId],
    );
    await createDocument(ownKey);
    const refused = await call(api.apiUrl, "POST", "/v1/documents", {
      key: ownKey,
      body: { slug: newSlug(), title: "Terms" },
    });
    expect(refused).toMatchObject({ status: 409 });
    expect(JSON.stringify(refused.body)).toContain("A tenant can have 1000 documents");
    await createDocument();
  });

  test("needs the scope manage, in the surface's own error body", async () => {
    const submitter = await createTenantKey(api);
    const answer = await call(api.apiUrl, "POST", "/v1/documents", {
      key: submitter.key,
      body: { slug: "terms", title: "Terms" },
    });
    expect(answer).toMatchObject({
      status: 403,
      body: { message: "Insufficient scope. Required: manage or admin" },
    });
    expect(answer.body).not.toHaveProperty("error");
  });
});

describe("Documents: a version", () => {
  test("is answered with its number, digest and url, and the url serves the exact bytes", async () => {
    const slug = await createDocument();
    const text = "\ufeffFirst line\r\nčćž 👍\n\n  trailing \t";
    const added = await addVersion(slug, { version: "1.0", text });
    expect(added.status).toBe(201);
    expect(added.body.data).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{14}4/),
      number: expect.any(Number),
      slug,
      version: "1.0",
      language: "en",
      text_sha256: sha256(text),
      url: `http://127.0.0.1:8787/documents/${added.body.data.id}`,
      status: "draft",
      created_at: expect.stringMatching(/Z$/),
      published_at: null,
      effective_at: null,
      retired_at: null,
    });
    const served = await fetch(`${api.apiUrl}/documents/${added.body.data.id}`);
    expect(served.status).toBe(200);
    expect(Buffer.from(await served.arrayBuffer())).toEqual(Buffer.from(text));
    expect(served.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect(served.headers.get("Cache-Control")).toContain("immutable");
    expect(served.headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(served.headers.get("ETag")).toBe(`"${sha256(text)}"`);
    const known = await fetch(`${api.apiUrl}/documents/${added.body.data.id}`, {
      headers: { "If-None-Match": `"x", W/"${sha256(text)}"` },
    });
    expect(known.status).toBe(304);
    expect(await known.text()).toBe("");
  });

  test("may have any text: sha256(bytes at url) == text_sha256", async () => {
    const { key: own } = await createManager();
    const slug = await createDocument(own);
    let version = 0;
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, maxLength: 300, unit: "binary" }), async (text) => {
        const { status, body } = await addVersion(slug, { version: `${++version}`, text }, own);
        expect(status).toBe(201);
        const served = await fetch(`${api.apiUrl}/documents/${body.data.id}`);
        const bytes = Buffer.from(await served.arrayBuffer());
        expect(bytes).toEqual(Buffer.from(text));
        expect(sha256(bytes)).toBe(body.data.text_sha256);
      }),
      { numRuns: 40 },
    );
  });

  test("has numbers that count the tenant's versions, also when many are added at once", async () => {
    const { key: own } = await createManager();
    const slugs = [await createDocument(own), await createDocument(own)];
    const added = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        addVersion(slugs[i % 2]!, { version: `${i}`, text: "x" }, own, i % 3 ? api.apiUrl : second),
      ),
    );
    const numbers = added.map(({ body }) => body.data.number).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  test("is kept as long as all of the tenant's texts are 256 MiB at most", async () => {
    const { key: ownKey, tenantId } = await createManager();
    const slug = await createDocument(ownKey);
    expect((await addVersion(slug, { version: "1", text: "a" }, ownKey)).status).toBe(201);
    const bytesOfAll = 268_435_456;
    await api.db.pool.query(
      `INSERT INTO app.document_versions (tenant_id, id, number, document_id, version, language, content, text_sha256, status, created_at)
       SELECT tenant_id, gen_random_uuid(), 2, document_id, '2', language, convert_to(repeat('a', $2), 'UTF8'), text_sha256, status, created_at
       FROM app.document_versions WHERE tenant_id = $1`,
      [tenantId, bytesOfAll - 3],
    );
    const refused = await addVersion(slug, { version: "3", text: "abc" }, ownKey);
    expect(refused.status).toBe(409);
    expect((await addVersion(slug, { version: "3", text: "ab" }, ownKey)).status).toBe(201);
  });

  test("is another in every language, whose tags are matched without case", async () => {
    const slug = await createDocument();
    for (const [given, canonical] of [
      ["sr-cyrl", "sr-Cyrl"],
      ["EN-us", "en-US"],
      ["de", "de"],
    ]) {
      const added = await addVersion(slug, { version: "1", language: given, text: given, activate: true });
      expect(added.body.data).toMatchObject({ language: canonical, status: "active" });
    }
    expect((await addVersion(slug, { version: "1", language: "SR-CYRL", text: "x" })).status).toBe(409);
    const found = await active(slug, {}, api.apiUrl, "?language=SR-cyrl");
    expect(found.body.data).toMatchObject({ language: "sr-Cyrl", text: "sr-cyrl" });
    expect((await active(slug)).status).toBe(404); // none in English, which is the default
    expect((await active(slug, {}, api.apiUrl, "?language=x_y")).status).toBe(422);
  });

  test("takes a member that is null for one that is absent", async () => {
    const slug = await createDocument();
    const absent = { language: null, activate: null, effective_at: null };
    const { status, body } = await addVersion(slug, { version: "1", text: "x", ...absent });
    expect(status).toBe(201);
    expect(body.data).toMatchObject({ language: "en", status: "draft", effective_at: null });
  });

  test.each([
    [{ text: "x" }, "version"],
    [{ version: "1" }, "text"],
    [{ version: "1", text: "" }, "text"],
    [{ version: "1", text: "x", language: "english!" }, "language"],
    [{ version: "1", text: "x", language: "a".repeat(36) }, "language"],
    [{ version: "1", text: "x", activate: "yes" }, "activate"],
    [{ version: "1", text: "x", effective_at: "tomorrow" }, "effective_at"],
    [{ version: "1", text: "x", effective_at: "0000-01-01T00:00:00Z" }, "effective_at"],
  ])("%j is a 422 by the name of the member", async (body, member) => {
    const slug = await createDocument();
    expect(await addVersion(slug, body)).toMatchObject({
      status: 422,
      body: { errors: { [member]: [expect.any(String)] } },
    });
    expect(await statuses(slug)).toEqual({});
  });

  test("with a lone surrogate or with more than 1,048,576 bytes of body is not stored", async () => {
    const slug = await createDocument();
    const raw = `{"version":"1","text":"\\ud800"}`;
    const lone = await call(api.apiUrl, "POST", `/v1/documents/${slug}/versions`, { key, raw });
    expect(lone).toMatchObject({ status: 400, body: { message: expect.stringContaining("text") } });
    const huge = await addVersion(slug, { version: "1", text: "x".repeat(1_048_576) });
    expect(huge).toMatchObject({ status: 413, body: { message: expect.stringContaining("1048576") } });
    expect(await statuses(slug)).toEqual({});
    expect((await addVersion(slug, { version: "1", text: "x".repeat(1_048_000) })).status).toBe(201);
  });

  test("is found by id, by number and as the active one of its language, by its own tenant alone", async () => {
    const { key: own, tenantId } = await createManager();
    const slug = await createDocument(own);
    const { data } = (await addVersion(slug, { version: "1", text: "x", activate: true }, own)).body;
    const { orm } = api.db;
    const found = await findDocumentVersion(orm, tenantId, data.id);
    expect(found).toMatchObject({
      id: data.id,
      number: 1,
      slug,
      version: "1",
      language: "en",
      status: "active",
    });
    expect(Buffer.from(found!.textSha256).toString("hex")).toBe(data.text_sha256);
    const stranger = await createManager();
    expect(await findDocumentVersion(orm, stranger.tenantId, data.id)).toBeNull();
    expect(await findDocumentVersion(orm, tenantId, "1")).toBeNull();
  });

  test("is added, activated and left alone by the role of the API", async () => {
    const { grantAccess } = await import("#api/db/grantAccess.ts");
    await api.db.pool.query("CREATE ROLE api_of_test LOGIN PASSWORD 'secret'");
    await grantAccess(api.databaseUrl, "api_of_test");
    const url = new URL(api.databaseUrl);
    url.username = "api_of_test";
    url.password = "secret";
    const restricted = await api.startApi({ DATABASE_URL: url.href });
    const slug = await createDocument();
    const added = await addVersion(slug, { version: "1", text: "x", activate: true }, key, restricted.url);
    expect(added).toMatchObject({ status: 201, body: { data: { status: "active" } } });
    await addVersion(slug, { version: "2", text: "y", activate: true }, key, restricted.url);
    expect((await active(slug, {}, restricted.url)).body.data.version).toBe("2");
    const asRole = (sql: string) => withRole(url.href, sql);
    await expect(asRole("DELETE FROM app.document_versions")).rejects.toThrow("permission denied");
    await expect(asRole("UPDATE app.document_versions SET content = 'z'")).rejects.toThrow(
      "permission denied",
    );
    await restricted.process.stop();
  });

  test("never changes, whoever writes the row", async () => {
    const slug = await createDocument();
    const { body } = await addVersion(slug, { version: "1", text: "as agreed" });
    const change = api.db.pool.query("UPDATE app.document_versions SET content = 'other' WHERE id = $1", [
      body.data.id,
    ]);
    await expect(change).rejects.toThrow();
  });
});

describe("Documents: activating", () => {
  test("retires the one before in the same language alone, is idempotent, and never brings a retired one back", async () => {
    const slug = await createDocument();
    const one = await addVersion(slug, { version: "1", text: "one", activate: true });
    await addVersion(slug, { version: "1", language: "sr", text: "jedan", activate: true });
    const two = await addVersion(slug, { version: "2", text: "two" });
    expect(await statuses(slug)).toEqual({ "1 en": "active", "1 sr": "active", "2 en": "draft" });
    const first = await activate(slug, two.body.data.id);
    expect(first).toMatchObject({ status: 200, body: { data: { status: "active" } } });
    const again = await activate(slug, two.body.data.id);
    expect(again).toMatchObject({ status: 200, body: first.body });
    expect(await statuses(slug)).toEqual({ "1 en": "retired", "1 sr": "active", "2 en": "active" });
    expect(await activate(slug, one.body.data.id)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining("retired") },
    });
    expect((await active(slug)).body.data.version).toBe("2");
  });

  test("many at once, over two processes, leaves exactly one active", async () => {
    const slug = await createDocument();
    const ids: string[] = [];
    for (let i = 0; i < 8; i++)
      ids.push((await addVersion(slug, { version: `${i}`, text: `${i}` })).body.data.id);
    const answers = await Promise.all(
      ids.flatMap((id, i) => [activate(slug, id, i % 2 ? api.apiUrl : second), activate(slug, id, second)]),
    );
    for (const { status } of answers) expect([200, 409]).toContain(status); // 409: retired meanwhile
    const after = Object.values(await statuses(slug));
    expect(after.filter((status) => status === "active")).toHaveLength(1);
    expect(after.filter((status) => status === "retired")).toHaveLength(7);
  });

  test("is a 404 for what the tenant does not have", async () => {
    const slug = await createDocument();
    const { body } = await addVersion(slug, { version: "1", text: "x" });
    const otherSlug = await createDocument();
    const stranger = await createManager();
    const paths = [
      `/v1/documents/${otherSlug}/versions/${body.data.id}/activate`,
      `/v1/documents/${slug}/versions/${randomUUID()}/activate`,
      `/v1/documents/${slug}/versions/1/activate`,
      `/v1/documents/NO/versions/${body.data.id}/activate`,
    ];
    for (const path of paths) expect((await call(api.apiUrl, "POST", path, { key })).status).toBe(404);
    const foreign = [
      ["POST", `/v1/documents/${slug}/versions/${body.data.id}/activate`, undefined],
      ["GET", `/v1/documents/${slug}/versions`, undefined],
      ["POST", `/v1/documents/${slug}/versions`, { version: "1", text: "x" }],
      ["GET", `/tool/v1/documents/${slug}/active`, undefined],
    ] as const;
    for (const [method, path, sent] of foreign)
      expect(
        await call(api.apiUrl, method, path, { key: stranger.key, ...(sent ? { body: sent } : {}) }),
      ).toMatchObject({ status: 404, body: { message: expect.any(String) } });
    expect(await statuses(slug)).toEqual({ "1 en": "draft" });
  });
});

describe("HE-6 the active version", () => {
  test("is answered with its text and a strong ETag, and as 304 to whoever has it", async () => {
    const slug = await createDocument();
    const effective = "2027-01-01T01:00:00+01:00";
    const added = await addVersion(slug, {
      version: "1",
      text: "a\r\nb",
      effective_at: effective,
      activate: true,
    });
    const answer = await active(slug);
    expect(answer.status).toBe(200);
    const { id, url, published_at } = added.body.data;
    expect(answer.body).toEqual({
      data: {
        id,
        slug,
        version: "1",
        title: "Terms",
        language: "en",
        text: "a\r\nb",
        text_sha256: sha256("a\r\nb"),
        url,
        published_at,
        effective_at: "2027-01-01T00:00:00.000Z",
      },
    });
    const etag = answer.headers.get("ETag")!;
    expect(etag).toMatch(/^"[^"]+"$/);
    const known = await active(slug, { "If-None-Match": etag });
    expect(known).toMatchObject({ status: 304, body: null });
    expect(known.headers.get("ETag")).toBe(etag);
    expect((await active(slug, { "If-None-Match": '"another"' })).status).toBe(200);
  });

  test("changes for every process in the moment in which it is activated", async () => {
    const slug = await createDocument();
    let etag = "";
    for (let i = 1; i <= 20; i++) {
      const [writer, reader] = i % 2 ? [api.apiUrl, second] : [second, api.apiUrl];
      await addVersion(slug, { version: `${i}`, text: `text ${i}`, activate: true }, key, writer);
      for (const origin of [reader, writer]) {
        const answer = await active(slug, { "If-None-Match": etag }, origin);
        expect(answer).toMatchObject({ status: 200, body: { data: { version: `${i}`, text: `text ${i}` } } });
      }
      etag = (await active(slug, {}, reader)).headers.get("ETag")!;
      expect((await active(slug, { "If-None-Match": etag }, writer)).status).toBe(304);
    }
  });

  test("is a 404 while none is active, and answered once one is", async () => {
    const slug = await createDocument();
    expect(await active(slug)).toMatchObject({ status: 404, body: { message: expect.any(String) } });
    await addVersion(slug, { version: "1", text: "x" });
    expect((await active(slug)).status).toBe(404);
    await addVersion(slug, { version: "2", text: "y", activate: true });
    expect((await active(slug)).status).toBe(200);
  });

  test("is not answered to a key that was revoked, nor over a key's rate limit, ETag or not", async () => {
    const tenant = await createTenantKey(api, { scopes: ["manage", "query"], rateLimitPerMinute: 20 });
    const slug = await createDocument(tenant.key);
    await addVersion(slug, { version: "1", text: "x", activate: true }, tenant.key);
    const path = `/tool/v1/documents/${slug}/active`;
    const poll = (origin: string, etag = "") =>
      call(origin, "GET", path, { key: tenant.key, headers: { "If-None-Match": etag } });
    const etag = (await poll(api.apiUrl)).headers.get("ETag")!;
    let answer = await poll(second, etag);
    expect(answer.headers.get("X-RateLimit-Limit")).toBe("20");
    while (answer.status === 304) answer = await poll(second, etag);
    expect(answer).toMatchObject({ status: 429, body: { message: expect.any(String) } });
    await call(api.apiUrl, "DELETE", `/admin/api-keys/${tenant.keyId}`, { key: api.adminKey });
    for (const origin of [api.apiUrl, second])
      expect(await poll(origin, etag)).toMatchObject({ status: 401, body: { message: "Unauthenticated" } });
  });

  test("is answered to an account of the tenant as well", async () => {
    const registered = await call(api.apiUrl, "POST", "/auth/register", {
      body: { name: "Acme", email: `${randomUUID()}@acme.example`, password: "correct horse battery" },
    });
    const headers = { Authorization: `Bearer ${registered.body.token}` };
    const post = (path: string, body: object) => call(api.apiUrl, "POST", path, { headers, body });
    await post("/v1/documents", { slug: "terms", title: "Terms" });
    await post("/v1/documents/terms/versions", { version: "1", text: "x", activate: true });
    const poll = (etag: string) =>
      call(second, "GET", "/tool/v1/documents/terms/active", {
        headers: { ...headers, "If-None-Match": etag },
      });
    const first = await poll("");
    expect(first.status).toBe(200);
    expect((await poll(first.headers.get("ETag")!)).status).toBe(304);
  });

  test("of a suspended tenant is a 403", async () => {
    const tenant = await createManager();
    const slug = await createDocument(tenant.key);
    await addVersion(slug, { version: "1", text: "x", activate: true }, tenant.key);
    const path = `/tool/v1/documents/${slug}/active`;
    expect((await call(second, "GET", path, { key: tenant.key })).status).toBe(200);
    await call(api.apiUrl, "PATCH", `/admin/tenants/${tenant.tenantId}`, {
      key: api.adminKey,
      body: { status: "suspended" },
    });
    for (const origin of [api.apiUrl, second])
      expect((await call(origin, "GET", path, { key: tenant.key })).status).toBe(403);
  });

  test("leaves an audit row for every poll (HA-15)", async () => {
    const tenant = await createManager();
    const slug = await createDocument(tenant.key);
    await addVersion(slug, { version: "1", text: "x", activate: true }, tenant.key);
    const path = `/tool/v1/documents/${slug}/active`;
    const { headers } = await call(api.apiUrl, "GET", path, { key: tenant.key });
    await call(api.apiUrl, "GET", path, {
      key: tenant.key,
      headers: { "If-None-Match": headers.get("ETag")! },
    });
    const { rows } = await api.db.pool.query(
      `SELECT status_code, resource_id FROM app.audit_logs
       WHERE tenant_id = $1 AND action = 'document.view_active' ORDER BY request_id`,
      [tenant.tenantId],
    );
    expect(rows).toEqual([
      { status_code: 200, resource_id: slug },
      { status_code: 304, resource_id: slug },
    ]);
  });
});

test("a path of this surface that no route has is answered in its error body", async () => {
  const answer = await call(api.apiUrl, "GET", "/tool/v1/nothing", { key });
  expect(answer).toMatchObject({ status: 404, body: { message: "Not found" } });
  expect((await call(api.apiUrl, "GET", "/nothing")).body).toEqual({ error: "Not found" });
});
