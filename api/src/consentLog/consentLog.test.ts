import { createHash, randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowsHolding, startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";

let api: TestApi;
let tenantId: string;
let key: string;
let keyId: string;
/** Versions of one document: retired, active, draft. */
let retired: string;
let active: string;
let draft: string;

beforeAll(async () => {
  api = await startTestApi();
  ({ key, keyId, tenantId } = await createTenantKey(api, {
    scopes: ["submit", "query", "manage"],
    site: "shop.example",
  }));
  retired = await publish("terms", "1");
  active = await publish("terms", "2");
  draft = await publish("terms", "3", false);
});
afterAll(() => api.stop());

const post = (
  path: string,
  body: unknown,
  options: { key?: string; headers?: Record<string, string> } = {},
) => call(api.apiUrl, "POST", path, { key, body, ...options });
const record = (body: unknown, options = {}) => post("/tool/v1/consents", body, options);
const view = (token: string, ownKey = key) =>
  call(api.apiUrl, "GET", `/tool/v1/consents/${token}`, { key: ownKey });
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

async function publish(slug: string, version: string, activate = true, ownKey = key): Promise<string> {
  await post("/v1/documents", { slug, title: slug }, { key: ownKey });
  const path = `/v1/documents/${slug}/versions`;
  const added = await post(path, { version, text: `${slug} ${version}`, activate }, { key: ownKey });
  expect(added.status).toBe(201);
  return added.body.data.id;
}

async function consents(): Promise<number> {
  const { rows } = await api.db.pool.query("SELECT count(*) FROM app.consents");
  return rows[0].count;
}

/** Refused with this status, in the surface's own body, and nothing is stored. */
async function expectRefused(
  send: () => ReturnType<typeof call>,
  status: number,
  member?: string,
): Promise<void> {
  const before = await consents();
  const answer = await send();
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({
    message: expect.any(String),
    ...(member ? { errors: { [member]: [expect.any(String)] } } : {}),
  });
  expect(answer.body).not.toHaveProperty("error");
  expect(await consents()).toBe(before);
}

const cookies = {
  consent_type: "cookie_consent",
  decision: "accept",
  visitor_region: "us",
  compliance_framework: "ccpa",
  metadata: { categories: { necessary: true, analytics: true, marketing: false } },
};

describe("HE-1 POST /tool/v1/consents", () => {
  test("takes the source's own examples as they stand, but for the version's id", async () => {
    for (const body of [
      { ...cookies, document_version_id: await publish("cookie-policy", "1") },
      {
        consent_type: "document_approval",
        decision: "accept",
        document_version_id: active,
        ip_address: "192.168.1.5",
        user_agent: "Mozilla/5.0 ...",
        metadata: { order_id: "ORD-54321", customer_no: "CUST-999" },
      },
    ]) {
      const answer = await fetch(`${api.apiUrl}/tool/v1/consents`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-API-Key": key },
        body: JSON.stringify(body),
      });
      expect(answer.status).toBe(201);
      expect(await answer.json()).toEqual({
        message: "Consent recorded",
        data: {
          consent_token: expect.stringMatching(/^ct_[0-9a-f]+$/),
          proof_hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
          created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*(Z|[+-]\d\d:\d\d)$/),
        },
      });
    }
  });
});

describe("HE-2 the body of a consent", () => {
  test("stands in the record, with the exact text that was shown", async () => {
    const { body } = await record({
      ...cookies,
      document_version_id: active,
      visitor_id: "visitor-1",
      ip_address: "203.0.113.77",
      user_agent: "Mozilla/5.0",
      metadata: { ...cookies.metadata, order_id: "ORD-1", nested: { list: [1, "é", null] } },
    });
    const { data } = (await view(body.data.consent_token)).body;
    expect(data).toMatchObject({
      consent_token: body.data.consent_token,
      proof_hash: body.data.proof_hash,
      created_at: body.data.created_at,
      status: "pending",
      receipt: null,
      erased_by: null,
    });
    expect(data.record).toEqual({
      type: "cookie_consent",
      action: "grant",
      decision: "accept",
      site: "shop.example",
      document: { slug: "terms", version: "2", language: "en", version_id: active },
      text_sha256: sha256("terms 2"),
      categories: cookies.metadata.categories,
      jurisdiction: "us",
      framework: "ccpa",
      visitor: "visitor-1",
      ip_masked: "203.0.113.0",
      ip_hash: expect.any(String),
      user_agent: "Mozilla/5.0",
      metadata: { order_id: "ORD-1", nested: { list: [1, "é", null] } },
      created: body.data.created_at,
    });
    expect(await rowsHolding(api.databaseUrl, "203.0.113.77")).toEqual([]);
  });

  test("members that are null, and an agent that is empty, are absent", async () => {
    const absent = {
      user_agent: "",
      visitor_id: null,
      ip_address: null,
      metadata: { categories: null, a: 1 },
    };
    const { status, body } = await record({ consent_type: "x", decision: "accept", ...absent });
    expect(status).toBe(201);
    const { record: kept } = (await view(body.data.consent_token)).body.data;
    for (const name of ["user_agent", "visitor", "ip_masked", "categories"])
      expect(kept).not.toHaveProperty(name);
    expect(kept.metadata).toEqual({ a: 1 });
  });

  test.each([
    ["accept", "grant"],
    ["custom", "grant"],
    ["reject", "decline"],
    ["withdraw", "withdraw"],
    ["dismiss", "none"],
  ])("%s is recorded as %s", async (decision, action) => {
    const { body } = await record({ consent_type: "age_gate", decision });
    expect((await view(body.data.consent_token)).body.data.record).toMatchObject({
      type: "age_gate",
      decision,
      action,
    });
  });

  test("says nothing of an address that was not given, whoever calls", async () => {
    const { body } = await record(cookies, { headers: { "X-Forwarded-For": "198.51.100.9" } });
    const { record: kept } = (await view(body.data.consent_token)).body.data;
    expect(kept).not.toHaveProperty("ip_masked");
    expect(kept).not.toHaveProperty("ip_hash");
    expect(kept).not.toHaveProperty("visitor");
  });

  test.each([
    ["no consent_type", { decision: "accept" }, "consent_type"],
    ["no decision", { consent_type: "x" }, "decision"],
    ["another decision", { ...cookies, decision: "agree" }, "decision"],
    [
      "an approval of nothing",
      { consent_type: "document_approval", decision: "accept" },
      "document_version_id",
    ],
    ["a version id of another type", { ...cookies, document_version_id: 7 }, "document_version_id"],
    ["an empty visitor", { ...cookies, visitor_id: "" }, "visitor_id"],
    ["a visitor of 256 characters", { ...cookies, visitor_id: "x".repeat(256) }, "visitor_id"],
    ["U+0000", { ...cookies, visitor_id: "a\0" }, "visitor_id"],
    ["what is no address", { ...cookies, ip_address: "300.1.1.1" }, "ip_address"],
    ["metadata that is a list", { ...cookies, metadata: [] }, "metadata"],
    [
      "categories that are no flags",
      { ...cookies, metadata: { categories: { a: 1 } } },
      "metadata.categories",
    ],
    ["categories that are a list", { ...cookies, metadata: { categories: [true] } }, "metadata.categories"],
    ["huge metadata", { ...cookies, metadata: { a: "x".repeat(65_536) } }, "metadata"],
    ["a list", [], "body"],
    ["null", null, "body"],
  ])("HE-10 with %s is a 422 by its name", async (_name, body, member) => {
    await expectRefused(() => record(body), 422, member);
  });
});

describe("HE-3 a missing, unknown, malformed or revoked key", () => {
  test("is one and the same 401", async () => {
    const other = await createTenantKey(api);
    expect((await record(cookies, { key: other.key })).status).toBe(201);
    await call(api.apiUrl, "DELETE", `/admin/api-keys/${other.keyId}`, { key: api.adminKey });
    const answers = [];
    for (const headers of [
      {},
      { "X-API-Key": "" },
      { "X-API-Key": "ha_0" },
      { "X-API-Key": `ha_${"0".repeat(64)}` },
      { "X-API-Key": other.key },
      { Authorization: `Bearer ${other.key}` },
      { Authorization: "Bearer a.b.c" },
    ] as Record<string, string>[]) {
      for (const path of ["/tool/v1/consents", "/tool/v1/consents/batch"])
        answers.push(
          await fetch(api.apiUrl + path, { method: "POST", headers, body: JSON.stringify(cookies) }),
        );
      answers.push(await fetch(`${api.apiUrl}/tool/v1/consents/ct_${"0".repeat(32)}`, { headers }));
    }
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    expect(new Set(texts)).toEqual(new Set(['{"message":"Unauthenticated"}']));
    expect(new Set(answers.map(({ headers }) => headers.get("WWW-Authenticate"))).size).toBe(1);
  });

  test("comes in X-Api-Key or as Bearer, and needs the scope", async () => {
    expect(
      (await record(cookies, { key: undefined, headers: { Authorization: `Bearer ${key}` } })).status,
    ).toBe(201);
    const reader = await createTenantKey(api, { scopes: ["query"] });
    await expectRefused(() => record(cookies, { key: reader.key }), 403);
  });
});

describe("HE-5 POST /tool/v1/consents/batch", () => {
  const batch = (items: unknown, options = {}) =>
    post("/tool/v1/consents/batch", { consents: items }, options);

  test("records what is good and says of the rest what is wrong, in the order of the request", async () => {
    const before = await consents();
    const { status, body } = await batch([
      { ...cookies, visitor_id: "batch-1" },
      { ...cookies, decision: "no" },
      { ...cookies, document_version_id: retired },
      { ...cookies, document_version_id: draft },
      { ...cookies, document_version_id: randomUUID() },
      7,
      { consent_type: "document_approval", decision: "accept", document_version_id: active },
    ]);
    expect(status).toBe(201);
    const errors = (member: string) => ({ errors: { [member]: [expect.any(String)] } });
    expect(body).toEqual({
      message: expect.any(String),
      data: [
        {
          index: 0,
          status: "recorded",
          consent_token: expect.stringMatching(/^ct_/),
          proof_hash: expect.stringMatching(/^sha256:/),
          created_at: expect.any(String),
        },
        { index: 1, status: "error", ...errors("decision") },
        { index: 2, status: "error", ...errors("document_version_id") },
        { index: 3, status: "error", ...errors("document_version_id") },
        { index: 4, status: "error", ...errors("document_version_id") },
        { index: 5, status: "error", ...errors("body") },
        expect.objectContaining({ index: 6, status: "recorded" }),
      ],
    });
    expect(await consents()).toBe(before + 2);
    const seen = await view(body.data[6].consent_token);
    expect(seen.body.data.proof_hash).toBe(body.data[6].proof_hash);
  });

  test("takes 100, and refuses none, 101 and what is no list", async () => {
    const many = (count: number) => Array.from({ length: count }, () => cookies);
    expect((await batch(many(100))).body.data.map((one: { status: string }) => one.status)).toEqual(
      Array(100).fill("recorded"),
    );
    for (const items of [[], many(101), "x", undefined])
      await expectRefused(() => batch(items), 422, "consents");
  });

  test("of which nothing is good is answered all the same", async () => {
    const before = await consents();
    expect(await batch([{}])).toMatchObject({ status: 201, body: { data: [{ index: 0, status: "error" }] } });
    expect(await consents()).toBe(before);
  });

  test("records one visitor's consents as one thread, in their order", async () => {
    const { body } = await batch(
      ["accept", "reject", "accept"].map((decision) => ({ ...cookies, visitor_id: "threaded", decision })),
    );
    const records = [];
    for (const { consent_token } of body.data)
      records.push((await view(consent_token)).body.data.record.previous);
    expect(records).toEqual([undefined, body.data[0].proof_hash, body.data[1].proof_hash]);
  });
});

describe("HE-7 GET /tool/v1/consents/:token", () => {
  test("HE-4 answers all that the proof hash is made of", async () => {
    const { body } = await record({ ...cookies, visitor_id: "proven", ip_address: "2001:db8::1" });
    const { data } = (await view(body.data.consent_token)).body;
    // RFC 9901: the digest of a disclosure; then SHA-256 over the canonical JSON, whose members sort as they stand here.
    const digests = data.disclosures.map((disclosure: string) =>
      createHash("sha256").update(disclosure).digest("base64url"),
    );
    expect(data._sd).toEqual(digests.toSorted());
    const canonical = JSON.stringify({ _sd: data._sd, _sd_alg: "sha-256", typ: "holdfast.consent/1" });
    expect(`sha256:${sha256(canonical)}`).toBe(data.proof_hash);
    const disclosed = data.disclosures.map((one: string) =>
      JSON.parse(Buffer.from(one, "base64url").toString()),
    );
    for (const [salt, name, value] of disclosed) {
      expect(Buffer.from(salt, "base64url").length).toBeGreaterThanOrEqual(16);
      expect(data.record[name]).toEqual(value);
    }
    expect(disclosed).toHaveLength(Object.keys(data.record).length);
  });

  test("keeps _sd complete when the person was erased", async () => {
    const { body } = await record({ ...cookies, visitor_id: "forgotten-4711", user_agent: "Agent 4711" });
    const before = (await view(body.data.consent_token)).body.data;
    const erased = await post("/v1/consents/erasures", { person: "forgotten-4711" });
    expect(erased).toMatchObject({ status: 201, body: { erased: 1 } });
    const { data } = (await view(body.data.consent_token)).body;
    expect(data._sd).toEqual(before._sd);
    expect(data.proof_hash).toBe(before.proof_hash);
    expect(data.erased_by).toBe(erased.body.consentToken);
    expect(data.record).toMatchObject({ type: "cookie_consent", categories: cookies.metadata.categories });
    expect(data.record).not.toHaveProperty("visitor");
    expect(data.record).not.toHaveProperty("user_agent");
    await expectRefused(() => post(`/tool/v1/consents/${body.data.consent_token}/withdraw`, {}), 409);
  });

  test("of another tenant, of another surface, and of nobody is a 404", async () => {
    const { body } = await record(cookies);
    const stranger = await createTenantKey(api);
    const erasure = await post("/v1/consents/erasures", { person: "nobody-at-all" });
    for (const [token, ownKey] of [
      [body.data.consent_token, stranger.key],
      [erasure.body.consentToken, key],
      [`ct_${"0".repeat(32)}`, key],
      ["ct_1", key],
      ["%00", key],
    ]) {
      expect(await view(token, ownKey)).toMatchObject({ status: 404, body: { message: expect.any(String) } });
      const path = `/tool/v1/consents/${token}/withdraw`;
      await expectRefused(() => post(path, {}, { key: ownKey }), 404);
    }
  });
});

describe("withdraw", () => {
  test("is a new record that follows the last one of the thread, with an empty body too", async () => {
    const visitor = { ...cookies, visitor_id: "withdrawing", document_version_id: active };
    const first = (await record(visitor)).body.data;
    const second = (await record({ ...visitor, decision: "custom" })).body.data;
    const path = `/tool/v1/consents/${first.consent_token}/withdraw`;
    const answer = await call(api.apiUrl, "POST", path, { key });
    expect(answer).toMatchObject({ status: 201, body: { message: "Consent withdrawn" } });
    const { data } = (await view(answer.body.data.consent_token)).body;
    expect(data.record).toMatchObject({
      type: "cookie_consent",
      action: "withdraw",
      decision: "withdraw",
      visitor: "withdrawing",
      site: "shop.example",
      document: { version_id: active },
      text_sha256: sha256("terms 2"),
      previous: second.proof_hash,
    });
    expect((await view(first.consent_token)).body.data.proof_hash).toBe(first.proof_hash);
  });

  test("of a consent without a visitor follows that consent, and may say from where it came", async () => {
    const first = (await record(cookies)).body.data;
    const { body } = await post(`/tool/v1/consents/${first.consent_token}/withdraw`, {
      ip_address: "198.51.100.23",
      user_agent: "Agent",
      metadata: { channel: "phone" },
    });
    expect((await view(body.data.consent_token)).body.data.record).toMatchObject({
      action: "withdraw",
      previous: first.proof_hash,
      ip_masked: "198.51.100.0",
      user_agent: "Agent",
      metadata: { channel: "phone" },
    });
    await expectRefused(
      () => post(`/tool/v1/consents/${first.consent_token}/withdraw`, { ip_address: "x" }),
      422,
      "ip_address",
    );
  });

  test("stays possible when the version was retired", async () => {
    const slug = "retired-later";
    const version = await publish(slug, "1");
    const { body } = await record({ ...cookies, document_version_id: version, visitor_id: "late" });
    await publish(slug, "2");
    await expectRefused(
      () => record({ ...cookies, document_version_id: version }),
      409,
      "document_version_id",
    );
    const withdrawn = await post(`/tool/v1/consents/${body.data.consent_token}/withdraw`, undefined);
    expect(withdrawn.status).toBe(201);
  });
});

describe("HE-10 bad input has an error of its own, and nothing is stored", () => {
  test.each([
    ["unknown", () => randomUUID()],
    ["no UUID", () => "terms-of-service-version-uuid"],
    ["a draft", () => draft],
  ])("a document version that is %s is a 422", async (_name, id) => {
    await expectRefused(() => record({ ...cookies, document_version_id: id() }), 422, "document_version_id");
  });

  test("another tenant's document version is a 422 like an unknown one", async () => {
    const other = await createTenantKey(api, { scopes: ["submit", "manage"] });
    const foreign = await publish("terms", "1", true, other.key);
    await expectRefused(
      () => record({ ...cookies, document_version_id: foreign }),
      422,
      "document_version_id",
    );
    const answers = [
      await record({ ...cookies, document_version_id: foreign }),
      await record({ ...cookies, document_version_id: randomUUID() }),
    ];
    expect(answers[0]!.body).toEqual(answers[1]!.body);
  });

  test("a retired document version is a 409", async () => {
    await expectRefused(
      () => record({ ...cookies, document_version_id: retired }),
      409,
      "document_version_id",
    );
  });

  test.each<[string, string, string | undefined]>([
    ["malformed JSON", "{", undefined],
    ["nothing", "", undefined],
    ["a member twice", '{"consent_type":"x","consent_type":"y","decision":"accept"}', "consent_type"],
    [
      "a member of metadata twice",
      '{"consent_type":"x","decision":"accept","metadata":{"a":1,"a":2}}',
      "metadata.a",
    ],
    ["a lone surrogate", '{"consent_type":"x","decision":"accept","visitor_id":"\\udead"}', "visitor_id"],
    [
      "an integer beyond 2^53",
      '{"consent_type":"x","decision":"accept","metadata":{"n":9007199254740993}}',
      "metadata.n",
    ],
    [
      "nesting beyond 32",
      `{"consent_type":"x","decision":"accept","metadata":{"d":${"[".repeat(40)}${"]".repeat(40)}}}`,
      `metadata.d${"[0]".repeat(30)}`,
    ],
  ])("%s is a 400 that names the member", async (_name, raw, member) => {
    for (const path of ["/tool/v1/consents", "/tool/v1/consents/batch"]) {
      await expectRefused(() => call(api.apiUrl, "POST", path, { key, raw }), 400);
      const answer = await call(api.apiUrl, "POST", path, { key, raw });
      if (member) expect(Object.keys(answer.body.errors)[0]).toBe(member);
    }
  });

  test("a body of more than 1,048,576 bytes is a 413", async () => {
    await expectRefused(() => record({ ...cookies, metadata: { a: "x".repeat(1_048_576) } }), 413);
  });

  test("a month over its plan is a 429, and nothing is stored", async () => {
    const planned = await createTenantKey(api);
    const plan = { plan: "free" };
    await call(api.apiUrl, "PATCH", `/admin/tenants/${planned.tenantId}`, { key: api.adminKey, body: plan });
    await api.db.pool.query(
      "INSERT INTO app.monthly_hashes SELECT $1, date_trunc('month', now() AT TIME ZONE 'UTC')::date, 1000000000",
      [planned.tenantId],
    );
    await expectRefused(() => record(cookies, { key: planned.key }), 429);
  });

  test("a key over its rate limit is a 429", async () => {
    const limited = await createTenantKey(api, { rateLimitPerMinute: 1 });
    await record(cookies, { key: limited.key });
    let answer = await record(cookies, { key: limited.key });
    // The minute may turn between the two.
    if (answer.status === 201) answer = await record(cookies, { key: limited.key });
    expect(answer).toMatchObject({ status: 429, body: { message: expect.any(String) } });
    expect(answer.headers.get("Retry-After")).toMatch(/^\d+$/);
    expect(answer.body).not.toHaveProperty("error");
  });

  test("whatever metadata is taken stands in the record as it came", async () => {
    const json = fc.jsonValue({ depthSize: "small", maxDepth: 4 });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ minLength: 1 }), json, { maxKeys: 6 }), async (metadata) => {
        const { categories: _, ...rest } = JSON.parse(JSON.stringify(metadata));
        const raw = JSON.stringify({ consent_type: "x", decision: "accept", metadata: rest });
        const { status, body } = await call(api.apiUrl, "POST", "/tool/v1/consents", { key, raw });
        if (status === 400) return; // a lone surrogate or a number beyond 2^53
        expect(status).toBe(201);
        const { record: kept } = (await view(body.data.consent_token)).body.data;
        expect(kept.metadata ?? {}).toEqual(rest);
      }),
      { numRuns: 50 },
    );
  });
});

test("HA-15 each call leaves its audit row, with the consent's token", async () => {
  const { body } = await record(cookies);
  const { rows } = await api.db.pool.query(
    "SELECT status_code, api_key_id, action FROM app.audit_logs WHERE tenant_id = $1 AND resource_id = $2",
    [tenantId, body.data.consent_token],
  );
  expect(rows).toEqual([{ status_code: 201, api_key_id: keyId, action: "consent.record" }]);
});
