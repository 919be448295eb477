import { createHash, randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowsHolding, startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { callSigned, hmacOf, PNG, SELFIE, upload, uploadText } from "#test/support/gate.ts";
import { createGateTenant, type GateTenant } from "#test/support/openGate.ts";
import { until } from "#test/support/until.ts";

let folder: string;
let api: TestApi;
let tenant: GateTenant;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-media-"));
  api = await startTestApi({ MEDIA_FOLDER: folder });
  tenant = await newTenant();
});
afterAll(async () => {
  await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ask = (method: string, path: string, body?: unknown, by: GateTenant = tenant) =>
  callSigned(api.apiUrl, method, path, { ...by, body });

const newTenant = (key: object = {}) => createGateTenant(api, key);
const manage = (by: GateTenant, path: string, body: object, method = "POST") =>
  call(api.apiUrl, method, path, { key: by.key, body });
async function publish(by: GateTenant, version: string, text: string, more: object = {}) {
  const { slug = "consent", language = "en" } = more as { slug?: string; language?: string };
  const body = { version, language, text, activate: true };
  const { status, body: answer } = await manage(by, `/v1/documents/${slug}/versions`, body);
  expect(status).toBe(201);
  return answer.data;
}
async function open(by: GateTenant = tenant, body: object = {}): Promise<string> {
  const { status, body: answer } = await ask("POST", "/v1/verifications", body, by);
  expect(status).toBe(201);
  return answer.data.id;
}
const active = async (by: GateTenant = tenant) => (await ask("GET", "/v1/consent", undefined, by)).body.data;
async function accept(id: string, by: GateTenant = tenant) {
  const { id: number, text_sha256 } = await active(by);
  return ask("POST", `/v1/verifications/${id}/consent`, { consent_version_id: number, text_sha256 }, by);
}
const send = (id: string, parts = SELFIE, by: GateTenant = tenant) =>
  upload(api.apiUrl, `/v1/verifications/${id}/media`, parts, by);
async function opened(by: GateTenant = tenant, body: object = {}): Promise<string> {
  const id = await open(by, body);
  expect((await accept(id, by)).status).toBe(200);
  return id;
}
const view = async (id: string, by: GateTenant = tenant) =>
  (await ask("GET", `/v1/verifications/${id}`, undefined, by)).body.data;
const untilWaiting = (sessions: number) =>
  until(async () => {
    const { rows } = await api.db.pool.query<{ waiting: number }>(
      "SELECT count(DISTINCT pid)::int AS waiting FROM pg_locks WHERE NOT granted",
    );
    return rows[0]!.waiting === sessions;
  });
/** Every file in the media folder. */
const files = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

describe("authentication by HMAC", () => {
  const path = "/v1/consent";
  const get = (headers: Record<string, string>, at = path) => call(api.apiUrl, "GET", at, { headers });
  const code = async (answer: Promise<{ status: number; body: { error: { code: string } } }>) => {
    const { status, body } = await answer;
    return [status, body.error.code];
  };

  test("PA-5, PA-10: the four codes of a 401", async () => {
    const signature = hmacOf(tenant.hmacSecret, `GET${path}`);
    expect(await code(get({ "X-HMAC-Signature": signature }))).toEqual([401, "MISSING_API_KEY"]);
    expect(await code(get({ "X-API-Key": "ha_0", "X-HMAC-Signature": signature }))).toEqual([
      401,
      "INVALID_API_KEY",
    ]);
    expect(await code(get({ "X-API-Key": tenant.key }))).toEqual([401, "MISSING_SIGNATURE"]);
    for (const bad of [
      "0".repeat(64),
      "",
      "x",
      hmacOf("hs_other", `GET${path}`),
      hmacOf(tenant.key, `GET${path}`),
    ])
      expect(await code(get({ "X-API-Key": tenant.key, "X-HMAC-Signature": bad || " " }))).toEqual([
        401,
        "INVALID_SIGNATURE",
      ]);
    expect((await get({ "X-API-Key": tenant.key, "X-HMAC-Signature": signature })).status).toBe(200);
  });

  test.each([
    ["sorted by name", "?language=en&a=1", "?a=1&language=en"],
    ["+ is a blank", "?b=a+b&language=en", "?b=a%20b&language=en"],
    ["of repeated names the last counts", "?z=1&language=en&z=2", "?language=en&z=2"],
    ["!'()* encoded", "?language=en&q=!'()*", "?language=en&q=%21%27%28%29%2A"],
    ["!'()* bare", "?language=en&q=%21%27%28%29%2A", "?language=en&q=!'()*"],
    ["letters beyond ASCII", "?language=en&q=%C5%BE", "?language=en&q=%C5%BE"],
    ["nothing after the question mark", "?", ""],
  ])("the query as it is signed: %s", async (_what, sent, signed) => {
    const signature = hmacOf(tenant.hmacSecret, `GET${path}${signed}`);
    const headers = { "X-API-Key": tenant.key, "X-HMAC-Signature": signature };
    expect((await get(headers, path + sent)).status).toBe(200);
  });

  test("the body is signed byte for byte, with the path and the method", async () => {
    const raw = '{ "external_id" : "a" }';
    const post = (text: string, sent = raw) =>
      call(api.apiUrl, "POST", "/v1/verifications", {
        raw: sent,
        key: tenant.key,
        headers: { "X-HMAC-Signature": hmacOf(tenant.hmacSecret, text) },
      });
    expect((await post(`POST/v1/verifications${raw}`)).status).toBe(201);
    expect((await post(`POST/v1/verifications${raw}`, `${raw} `)).status).toBe(401);
    expect((await post(`POST/verifications${raw}`)).status).toBe(401);
    expect((await post(`PUT/v1/verifications${raw}`)).status).toBe(401);
  });

  test("each of a key's secrets is good until it is deleted", async () => {
    const rotating = await newTenant();
    const secrets = `/admin/api-keys/${rotating.keyId}/secrets`;
    const added = (await manage(rotating, secrets, {})).body;
    for (const hmacSecret of [rotating.hmacSecret, added.hmacSecret])
      expect((await ask("GET", path, undefined, { ...rotating, hmacSecret })).status).toBe(200);
    await call(api.apiUrl, "DELETE", `${secrets}/${added.id}`, rotating);
    const old = { ...rotating, hmacSecret: added.hmacSecret };
    expect((await ask("GET", path, undefined, old)).status).toBe(401);
    expect((await ask("GET", path, undefined, rotating)).status).toBe(200);
  });

  test("a key that demands time stamps takes them signed, current, and each nonce once", async () => {
    const strict = await newTenant({ requireTimestamp: true });
    const request = (timestamp: number, nonce: string, signs = true) =>
      get({
        "X-API-Key": strict.key,
        "X-Timestamp": String(timestamp),
        "X-Nonce": nonce,
        "X-HMAC-Signature": hmacOf(strict.hmacSecret, `GET${path}${signs ? `\n${timestamp}\n${nonce}` : ""}`),
      });
    const now = Math.floor(Date.now() / 1_000);
    const nonce = randomUUID();
    expect((await request(now, nonce)).status).toBe(200);
    expect(await code(request(now, nonce))).toEqual([401, "INVALID_SIGNATURE"]);
    expect((await request(now - 400, randomUUID())).status).toBe(401);
    expect((await request(now, "no UUID")).status).toBe(401);
    expect((await request(now, randomUUID(), false)).status).toBe(401);
    expect((await ask("GET", path, undefined, strict)).status).toBe(401);
    const uploaded = await upload(api.apiUrl, "/v1/verifications/ver_0/media", SELFIE, strict);
    expect(uploaded.status).toBe(401);
  });
});

describe("PA-1 the active version", () => {
  test("PA-1: its hash is that of the bytes at its URL; none is a 404", async () => {
    const { id, version, text_sha256, url } = await active();
    expect({ id, version }).toEqual({ id: expect.any(Number), version: "2026-01-15" });
    const bytes = Buffer.from(await (await fetch(api.apiUrl + new URL(url).pathname)).arrayBuffer());
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(text_sha256);
    const without = await createTenantKey(api, { hmac: true });
    expect(await ask("GET", "/v1/consent", undefined, without)).toMatchObject({
      status: 404,
      body: { error: { code: "NOT_FOUND", message: expect.any(String) } },
    });
  });

  test("PA-1: another document, and the languages of it", async () => {
    const own = await newTenant();
    await manage(own, "/v1/documents", { slug: "gate", title: "Gate" });
    expect((await manage(own, "/v1/documents/nothing/gate", {}, "PUT")).status).toBe(404);
    expect((await manage(own, "/v1/documents/gate/gate", {}, "PUT")).body).toEqual({
      data: { slug: "gate" },
    });
    expect((await ask("GET", "/v1/consent", undefined, own)).status).toBe(404);
    await publish(own, "sr", "Gledamo lice.\n", { slug: "gate", language: "sr" });
    expect((await active(own)).version).toBe("sr");
    await publish(own, "en", "We look.\n", { slug: "gate" });
    await publish(own, "de", "Wir schauen.\n", { slug: "gate", language: "de" });
    expect((await active(own)).version).toBe("en");
    expect((await ask("GET", "/v1/consent?language=sr", undefined, own)).body.data.version).toBe("sr");
    expect((await ask("GET", "/v1/consent?language=fr", undefined, own)).status).toBe(404);
    expect((await ask("GET", "/v1/consent?language=!", undefined, own)).status).toBe(422);
    // What is signed is what is answered, whatever somebody puts before it.
    const headers = {
      "X-API-Key": own.key,
      "X-HMAC-Signature": hmacOf(own.hmacSecret, "GET/v1/consent?language=sr"),
    };
    const changed = await call(api.apiUrl, "GET", "/v1/consent?language=en&language=sr", { headers });
    expect(changed.body.data.version).toBe("sr");
  });
});

describe("PA-2 verifications", () => {
  test("PA-2: opened with nothing or all, and shown", async () => {
    const nothing = await ask("POST", "/v1/verifications");
    expect(nothing).toMatchObject({
      status: 201,
      body: { data: { id: expect.stringMatching(/^ver_[0-9a-f]{32}$/), status: "created" } },
    });
    const body = { external_id: "user-1", callback_url: "https://1.1.1.1/hook", metadata: { a: [1, null] } };
    const id = await open(tenant, body);
    expect(await view(id)).toEqual({
      id,
      status: "created",
      ...body,
      created_at: expect.any(String),
      submitted_at: null,
      consent: null,
      callback: null,
      media: [],
    });
  });

  test("HE-8: with an idempotency key a verification is opened once, also by many at once", async () => {
    const body = { external_id: `user-${randomUUID()}` };
    const key = randomUUID();
    const post = (sent: object, hmacSecret = tenant.hmacSecret) =>
      callSigned(api.apiUrl, "POST", "/v1/verifications", {
        ...tenant,
        hmacSecret,
        headers: { "Idempotency-Key": key },
        body: sent,
      });
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(body)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map((answer) => answer.body.data.id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get("Idempotent-Replayed") === null)).toHaveLength(1);
    expect((await post({ external_id: "another" })).status).toBe(409);
    expect((await post(body, "hs_0")).status).toBe(401);
    const { rows } = await api.db.pool.query("SELECT answer FROM app.idempotency_keys WHERE tenant_id = $1", [
      tenant.tenantId,
    ]);
    expect(JSON.stringify(rows)).not.toContain(body.external_id);
  });

  test.each<[string, object]>([
    ["external_id", { external_id: 7 }],
    ["external_id", { external_id: "x".repeat(256) }],
    ["callback_url", { callback_url: "http://shop.example/hook" }],
    ["callback_url", { callback_url: "https://127.0.0.1/hook" }],
    ["callback_url", { callback_url: "https://[::ffff:10.0.0.1]/hook" }],
    ["callback_url", { callback_url: "no URL" }],
    ["metadata", { metadata: [] }],
    ["metadata", { metadata: { big: "x".repeat(20_000) } }],
  ])("PA-5: %s is a 422 that names it", async (field, body) => {
    const { status, body: answer } = await ask("POST", "/v1/verifications", body);
    expect(status).toBe(422);
    expect(answer.error.code).toBe("VALIDATION_ERROR");
    expect(Object.keys(answer.error.errors)).toEqual([field]);
  });

  test("another tenant's, an unknown one and none are a 404", async () => {
    const id = await opened();
    const other = await newTenant();
    for (const name of [id, `ver_${"0".repeat(32)}`, "ver_x"]) {
      expect((await ask("GET", `/v1/verifications/${name}`, undefined, other)).status).toBe(404);
      expect((await send(name, SELFIE, other)).status).toBe(404);
      expect((await ask("POST", `/v1/verifications/${name}/submit`, undefined, other)).status).toBe(404);
      expect((await accept(name, other)).status).toBe(404);
    }
    expect(files()).toEqual([]);
  });
});

describe("PA-3, PA-4, PA-5, PA-7 acceptance", () => {
  test("PA-3: it is recorded as a consent record and anchored like any hash", async () => {
    const id = await open(tenant, { external_id: "user-3" });
    const { status, body } = await accept(id);
    const { id: number, version } = await active();
    expect({ status, body }).toEqual({
      status: 200,
      body: { data: { id, consent: { version_id: number, version, accepted_at: expect.any(String) } } },
    });
    const { status: state, consent } = await view(id);
    expect(state).toBe("consented");
    expect(consent).toMatchObject({
      ...body.data.consent,
      proof_hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      status: "pending",
    });
    const { key } = tenant;
    const { record } = (await call(api.apiUrl, "GET", `/v1/consents/${consent.consent_token}`, { key })).body;
    expect(record).toMatchObject({
      type: "gate_consent",
      action: "grant",
      verification: id,
      subject: "user-3",
      document: { slug: "consent", version },
      text_sha256: (await active()).text_sha256,
    });
    const hash = `0x${consent.proof_hash.slice("sha256:".length)}`;
    expect((await call(api.apiUrl, "GET", `/v1/hashes/${hash}`, { key })).status).toBe(200);
  });

  test("PA-4: forty at once through two processes record one, and all are answered alike", async () => {
    const id = await open();
    const second = await api.startApi();
    const { id: number, text_sha256 } = await active();
    const body = { consent_version_id: number, text_sha256 };
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        callSigned(i % 2 ? second.url : api.apiUrl, "POST", `/v1/verifications/${id}/consent`, {
          ...tenant,
          body,
        }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(await recordsOf(id)).toHaveLength(1);
    await second.process.stop();
  });

  test("PA-4, PA-5, PA-7: a version that was accepted stays so when it is retired; a newer one is a second record", async () => {
    const own = await newTenant();
    const id = await open(own);
    const first = await active(own);
    const accepting = { consent_version_id: first.id, text_sha256: first.text_sha256.toUpperCase() };
    const path = `/v1/verifications/${id}/consent`;
    const before = await ask("POST", path, accepting, own);
    expect(before.status).toBe(200);
    const late = await open(own);
    const second = await publish(own, "2026-02-01", "We look twice.\n");
    expect(await ask("POST", path, accepting, own)).toMatchObject({ status: 200, body: before.body });
    expect(await ask("POST", `/v1/verifications/${late}/consent`, accepting, own)).toMatchObject({
      status: 409,
      body: { error: { code: "CONSENT_VERSION_INACTIVE" } },
    });
    expect((await send(id, SELFIE, own)).status).toBe(201);
    expect((await accept(id, own)).status).toBe(200);
    const [one, two] = await recordsOf(id);
    expect(two.previous).toBe(one.digest);
    expect((await view(id, own)).consent.version_id).toBe(second.number);
  });

  test("PA-5: in this order 401, 404, 422, 409 inactive, 409 mismatch", async () => {
    const id = await open();
    const { id: number, text_sha256 } = await active();
    const at = (name: string, body: unknown, by = tenant) =>
      ask("POST", `/v1/verifications/${name}/consent`, body, by);
    expect((await at(id, { consent_version_id: "x" }, { ...tenant, hmacSecret: "hs_" })).status).toBe(401);
    expect((await at(`ver_${"0".repeat(32)}`, { consent_version_id: "x" })).status).toBe(404);
    expect(await at(id, { consent_version_id: "x", text_sha256: "y" })).toMatchObject({
      status: 422,
      body: {
        error: {
          code: "VALIDATION_ERROR",
          errors: { consent_version_id: [expect.any(String)], text_sha256: [expect.any(String)] },
        },
      },
    });
    expect((await at(id, undefined)).status).toBe(400);
    const wrong = "0".repeat(64);
    expect(await at(id, { consent_version_id: 2_000_000, text_sha256: wrong })).toMatchObject({
      status: 409,
      body: { error: { code: "CONSENT_VERSION_INACTIVE" } },
    });
    expect(await at(id, { consent_version_id: number, text_sha256: wrong })).toMatchObject({
      status: 409,
      body: { error: { code: "CONSENT_SHA256_MISMATCH" } },
    });
    expect((await at(id, { consent_version_id: number, text_sha256 })).status).toBe(200);
    expect(await at(id, { consent_version_id: number, text_sha256: wrong })).toMatchObject({
      status: 409,
      body: { error: { code: "CONSENT_SHA256_MISMATCH" } },
    });
  });

  test("HA-14: a tenant at the end of its plan records nothing, and the gate stays shut", async () => {
    const own = await newTenant();
    const id = await open(own);
    await call(api.apiUrl, "PATCH", `/admin/tenants/${own.tenantId}`, {
      key: api.adminKey,
      body: { plan: "free" },
    });
    await api.db.pool.query(
      `INSERT INTO app.monthly_hashes (tenant_id, month, hashes)
       VALUES ($1, date_trunc('month', now() AT TIME ZONE 'UTC')::date, 100)`,
      [own.tenantId],
    );
    expect((await accept(id, own)).status).toBe(429);
    expect(await view(id, own)).toMatchObject({ status: "created", consent: null });
    expect(await recordsOf(id)).toEqual([]);
  });

  /** The consent records of a verification, the oldest first. */
  async function recordsOf(id: string) {
    const { rows } = await api.db.pool.query(
      `SELECT encode(c.record_digest, 'hex') AS digest, encode(c.previous_digest, 'hex') AS previous
       FROM app.gate_acceptances a JOIN app.consents c ON c.tenant_id = a.tenant_id AND c.id = a.consent_id
       WHERE 'ver_' || replace(a.verification_id::text, '-', '') = $1 ORDER BY c.seq`,
      [id],
    );
    return rows;
  }
});

describe("PA-6, PA-8 media", () => {
  test("PA-6: kept under their hash, which is anchored; the name tells nothing of the type", async () => {
    const id = await opened();
    const named = { fields: SELFIE.fields!, files: [{ name: "file", fileName: "x.pdf", bytes: PNG }] };
    const { status, body } = await send(id, named);
    const sha256 = createHash("sha256").update(PNG).digest("hex");
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        data: {
          id: expect.any(String),
          type: "selfie",
          side: null,
          document: null,
          content_type: "image/png",
          bytes: PNG.length,
          sha256,
          created_at: expect.any(String),
          deleted_at: null,
        },
      },
    });
    expect((await view(id)).media).toEqual([body.data]);
    expect(readFileSync(join(folder, tenant.tenantId, body.data.id))).toEqual(PNG);
    expect((await call(api.apiUrl, "GET", `/v1/hashes/0x${sha256}`, { key: tenant.key })).status).toBe(200);
    expect(readdirSync(join(folder, "uploads"))).toEqual([]);
  });

  test("PA-6: a document has a side and a type of its own", async () => {
    const id = await opened();
    const document = { type: "document", side: "front", document: "passport" };
    expect((await send(id, { ...SELFIE, fields: document })).body.data).toMatchObject(document);
  });

  test.each<[string, number, string, object]>([
    ["an unknown type", 422, "VALIDATION_ERROR", { fields: { type: "voice" } }],
    ["no type", 422, "VALIDATION_ERROR", { fields: {} }],
    ["a document without a side", 422, "VALIDATION_ERROR", { fields: { type: "document", document: "id" } }],
    ["no file", 422, "VALIDATION_ERROR", { files: [] }],
    ["a file in another field", 422, "VALIDATION_ERROR", { files: [{ name: "photo", bytes: PNG }] }],
    [
      "two files",
      422,
      "VALIDATION_ERROR",
      {
        files: [
          { name: "file", bytes: PNG },
          { name: "file", bytes: PNG },
        ],
      },
    ],
    [
      "a text called .png",
      422,
      "INVALID_FILE_TYPE",
      { files: [{ name: "file", fileName: "a.png", bytes: Buffer.from("no image") }] },
    ],
    ["an SVG", 422, "INVALID_FILE_TYPE", { files: [{ name: "file", bytes: Buffer.from("<svg/>") }] }],
    ["an empty file", 422, "INVALID_FILE_TYPE", { files: [{ name: "file", bytes: Buffer.alloc(0) }] }],
    [
      "a file of more than 10 MB",
      413,
      "FILE_TOO_LARGE",
      { files: [{ name: "file", bytes: Buffer.concat([PNG, Buffer.alloc(10_485_760)]) }] },
    ],
  ])("PA-6: %s is a %i %s, and leaves no byte behind", async (_what, status, code, parts) => {
    const id = await opened();
    const before = files().length;
    expect(await send(id, { ...SELFIE, ...parts })).toMatchObject({ status, body: { error: { code } } });
    expect(files()).toHaveLength(before);
    expect((await view(id)).media).toEqual([]);
  });

  test("PA-6: 10 MB to the byte are taken", async () => {
    const bytes = Buffer.concat([PNG, randomBytes(10_485_760 - PNG.length)]);
    const { status, body } = await send(await opened(), { ...SELFIE, files: [{ name: "file", bytes }] });
    expect([status, body.data.bytes]).toEqual([201, 10_485_760]);
  });

  test("PA-6: before consent, with another signature, or no multipart body: refused, and no byte left", async () => {
    const id = await open();
    const before = files().length;
    expect(await send(id)).toMatchObject({ status: 403, body: { error: { code: "CONSENT_REQUIRED" } } });
    const forger = { ...tenant, hmacSecret: "hs_0" };
    expect((await send(id, SELFIE, forger)).status).toBe(401);
    expect(await ask("POST", `/v1/verifications/${id}/media`, {})).toMatchObject({
      status: 400,
      body: { error: { code: "BAD_REQUEST" } },
    });
    const cut = await call(api.apiUrl, "POST", `/v1/verifications/${id}/media`, {
      key: tenant.key,
      raw: '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nhalf',
      headers: {
        "X-HMAC-Signature": hmacOf(
          tenant.hmacSecret,
          `POST/v1/verifications/${id}/media${uploadText(SELFIE)}`,
        ),
        "Content-Type": "multipart/form-data; boundary=b",
      },
    });
    expect([400, 401]).toContain(cut.status);
    expect(files()).toHaveLength(before);
  });

  test("a field that was changed on the way breaks the signature", async () => {
    const id = await opened();
    const path = `/v1/verifications/${id}/media`;
    const signed = hmacOf(tenant.hmacSecret, `POST${path}${uploadText(SELFIE)}`);
    const other = { ...SELFIE, fields: { type: "liveness_selfie" } };
    const answer = await upload(api.apiUrl, path, other, {
      ...tenant,
      headers: { "X-HMAC-Signature": signed },
    });
    expect(answer.status).toBe(401);
  });

  test("twenty media at most, also at once", async () => {
    const id = await opened();
    const answers = await Promise.all(Array.from({ length: 24 }, () => send(id)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20);
    expect(answers.filter(({ body }) => body.error?.code === "TOO_MANY_MEDIA")).toHaveLength(4);
    expect((await view(id)).media).toHaveLength(20);
  });
});

describe("PA-6 submission", () => {
  const submit = (id: string) => ask("POST", `/v1/verifications/${id}/submit`);

  test("PA-6: after consent and a selfie; a repeat is answered alike; no media after it", async () => {
    const id = await open();
    expect(await submit(id)).toMatchObject({ status: 403, body: { error: { code: "CONSENT_REQUIRED" } } });
    await accept(id);
    await send(id, { ...SELFIE, fields: { type: "document", side: "back", document: "id" } });
    expect(await submit(id)).toMatchObject({
      status: 422,
      body: { error: { code: "MISSING_REQUIRED_MEDIA" } },
    });
    await send(id, { ...SELFIE, fields: { type: "liveness_selfie" } });
    const first = await submit(id);
    expect(first).toMatchObject({ status: 200, body: { data: { id, status: "submitted" } } });
    expect(await submit(id)).toMatchObject({ status: 200, body: first.body });
    expect(await send(id)).toMatchObject({
      status: 409,
      body: { error: { code: "VERIFICATION_SUBMITTED" } },
    });
    expect((await accept(id)).status).toBe(200);
  });
});

describe("protocol §7 erasure", () => {
  test("while an acceptance is under way leaves nothing of the person", async () => {
    const person = `user-${randomUUID()}`;
    const id = await open(tenant, { external_id: person });
    await active();
    const client = await api.db.pool.connect();
    await client.query("BEGIN");
    // The acceptance has the verification by then, and waits for the version.
    await client.query("SELECT FROM app.document_versions WHERE tenant_id = $1 FOR UPDATE", [
      tenant.tenantId,
    ]);
    const accepted = accept(id);
    await untilWaiting(1);
    const erased = manage(tenant, "/v1/consents/erasures", { person });
    await untilWaiting(2);
    await client.query("COMMIT");
    client.release();
    expect([(await accepted).status, (await erased).status]).toEqual([200, 201]);
    expect(await rowsHolding(api.databaseUrl, person)).toEqual([]);
  });

  test("takes the person's values at once, and marks the bytes for the next sweep; hashes and state stay", async () => {
    const person = `user-${randomUUID()}`;
    const secret = `note-${randomUUID()}`;
    const id = await opened(tenant, {
      external_id: person,
      callback_url: "https://1.1.1.1/hook",
      metadata: { secret },
    });
    const { body: kept } = await send(id);
    const { status } = await manage(tenant, "/v1/consents/erasures", { person });
    expect(status).toBe(201);
    for (const value of [person, secret]) expect(await rowsHolding(api.databaseUrl, value)).toEqual([]);
    const left = await view(id);
    expect(left).toMatchObject({
      status: "erased",
      external_id: null,
      callback_url: null,
      metadata: null,
      consent: { version: "2026-01-15" },
      media: [{ sha256: kept.data.sha256 }],
    });
    for (const answer of [await send(id), await ask("POST", `/v1/verifications/${id}/submit`)])
      expect(answer).toMatchObject({ status: 409, body: { error: { code: "VERIFICATION_ERASED" } } });
    expect(existsSync(join(folder, tenant.tenantId, kept.data.id))).toBe(true);
    const { rows } = await api.db.pool.query("SELECT state FROM app.verification_media WHERE id = $1", [
      kept.data.id,
    ]);
    expect(rows).toEqual([{ state: "deleting" }]);
  });

  test("of the record of a verification that names nobody takes what is kept of it, and of no other", async () => {
    const [secret, othersSecret] = [`note-${randomUUID()}`, `note-${randomUUID()}`];
    const id = await opened(tenant, { metadata: { secret } });
    const other = await opened(tenant, { metadata: { secret: othersSecret } });
    await send(id);
    const consentToken = (await view(id)).consent.consent_token;
    const erasure = { consentToken };
    expect(await manage(tenant, "/v1/consents/erasures", erasure)).toMatchObject({
      status: 201,
      body: { erased: 1 },
    });
    expect(await rowsHolding(api.databaseUrl, secret)).toEqual([]);
    expect(await view(id)).toMatchObject({ status: "erased", metadata: null });
    expect(await view(other)).toMatchObject({ status: "consented", metadata: { secret: othersSecret } });
    expect(await manage(tenant, "/v1/consents/erasures", erasure)).toMatchObject({ body: { erased: 0 } });
  });

  test("of one record of a verification that names a person is refused, and takes nothing", async () => {
    const secret = `note-${randomUUID()}`;
    const id = await opened(tenant, { external_id: `user-${randomUUID()}`, metadata: { secret } });
    const consentToken = (await view(id)).consent.consent_token;
    expect((await manage(tenant, "/v1/consents/erasures", { consentToken })).status).toBe(409);
    expect(await view(id)).toMatchObject({ status: "consented", metadata: { secret } });
  });

  test("of one consent of a nameless verification is refused while another of its consents is held", async () => {
    const own = await createGateTenant(api);
    const id = await opened(own, { metadata: { a: 1 } });
    const first = (await view(id, own)).consent.consent_token;
    await publish(own, "2", "Two.\n");
    await accept(id, own);
    const second = (await view(id, own)).consent.consent_token;
    expect(second).not.toBe(first);
    await manage(own, "/v1/consents/holds", { consentToken: first, reason: "A case" });
    expect((await manage(own, "/v1/consents/erasures", { consentToken: second })).status).toBe(409);
    expect(await view(id, own)).toMatchObject({ status: "consented", metadata: { a: 1 } });
  });
});
