import {
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAccountToken } from "#test/support/accountToken.ts";
import { rowsHolding, startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

/** Limits count by address: each test comes from its own. */
let addresses = 0;
const newAddress = () => `198.51.100.${++addresses}`;
const PASSWORD = "correct horse battery";
let people = 0;
const newPerson = () => ({ name: "Acme Corp", email: `Dev${++people}@Acme.example`, password: PASSWORD });

const post = (path: string, body: unknown, from = newAddress()) =>
  call(api.apiUrl, "POST", path, { body, headers: { "X-Forwarded-For": from } });
const register = (body: object = newPerson()) => post("/auth/register", body);
const withToken = (token: string, method: string, path: string, body?: unknown, origin = api.apiUrl) =>
  call(origin, method, path, { body, headers: { Authorization: `Bearer ${token}` } });

describe("HA-1 POST /auth/register", () => {
  test("makes a tenant of plan free and answers a token of seven days", async () => {
    const person = newPerson();
    const { status, body } = await register(person);
    expect(status).toBe(201);
    expect(body.tenant).toEqual({
      id: expect.any(String),
      name: "Acme Corp",
      email: person.email.toLowerCase(),
      plan: "free",
    });
    const claims = JSON.parse(Buffer.from(body.token.split(".")[1], "base64url").toString());
    expect(claims.exp - claims.iat).toBe(7 * 86_400);
    expect(await withToken(body.token, "GET", "/auth/me")).toMatchObject({
      status: 200,
      body: { name: "Acme Corp", email: person.email.toLowerCase(), tenant: body.tenant },
    });
  });

  test("refuses an address that is taken, in any case, also when two come at once", async () => {
    const person = newPerson();
    const both = await Promise.all([
      register(person),
      register({ ...person, email: person.email.toUpperCase() }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(both.find(({ status }) => status === 409)!.body).toEqual({ error: "Email already registered" });
    const { rows } = await api.db.pool.query("SELECT FROM app.tenants WHERE contact_email = lower($1)", [
      person.email,
    ]);
    expect(rows).toHaveLength(1);
  });

  test("keeps the password as argon2id alone, and no token", async () => {
    const password = "a very secret passphrase 77";
    const { body } = await register({ ...newPerson(), password });
    expect(await rowsHolding(api.databaseUrl, password)).toEqual([]);
    expect(await rowsHolding(api.databaseUrl, body.token)).toEqual([]);
    expect(api.api.output()).not.toContain(password);
    const { rows } = await api.db.pool.query(
      "SELECT DISTINCT split_part(password_hash, '$', 2) AS kind FROM app.accounts",
    );
    expect(rows).toEqual([{ kind: "argon2id" }]);
  });

  test.each([
    [{ password: "1234567" }, "password"],
    [{ password: "x".repeat(257) }, "password"],
    [{ password: 12_345_678 }, "password"],
    [{ email: "nobody" }, "email"],
    [{ email: undefined }, "email"],
    [{ name: "" }, "name"],
    [{ name: "x".repeat(256) }, "name"],
  ])("refuses %j by the name of the member", async (part, member) => {
    expect(await register({ ...newPerson(), ...part })).toMatchObject({ status: 400, body: { member } });
  });

  test("takes passwords of 8 and of 256 characters, of whatever script", async () => {
    for (const password of ["пароль12", "🔐".repeat(256)]) {
      const person = { ...newPerson(), password };
      expect((await register(person)).status).toBe(201);
      expect((await post("/auth/login", person)).status).toBe(200);
    }
  });
});

describe("HA-1 POST /auth/login", () => {
  test("answers a token for the right password, whatever the case of the address", async () => {
    const person = newPerson();
    const { body: registered } = await register(person);
    const { status, body } = await post("/auth/login", {
      email: person.email.toUpperCase(),
      password: PASSWORD,
    });
    expect(status).toBe(200);
    expect(body.tenant).toEqual(registered.tenant);
    expect((await withToken(body.token, "GET", "/auth/me")).status).toBe(200);
  });

  test("answers alike to a wrong password and to an address that nobody has", async () => {
    const person = newPerson();
    await register(person);
    const wrong = await post("/auth/login", { ...person, password: "wrong password" });
    const unknown = await post("/auth/login", { email: "nobody@acme.example", password: "wrong password" });
    expect(wrong.status).toBe(401);
    expect(wrong.body).toEqual({ error: "Invalid email or password" });
    expect([unknown.status, unknown.body]).toEqual([wrong.status, wrong.body]);
  });
});

describe("HA-1 POST /auth/provision", () => {
  test("makes a tenant of plan free and a key that works at once", async () => {
    const { status, body } = await post("/auth/provision", { name: "Agent" });
    expect(status).toBe(201);
    expect(body).toEqual({
      tenantId: expect.any(String),
      apiKey: expect.stringMatching(/^ha_[0-9a-f]{64}$/),
      plan: "free",
      quota: { limit: 100, remaining: 100 },
    });
    const submitted = await call(api.apiUrl, "POST", "/v1/hashes", {
      key: body.apiKey,
      body: { hash: randomHash() },
    });
    expect(submitted.status).toBe(202);
    expect(submitted.headers.get("X-Quota-Limit")).toBe("100");
    const admin = await call(api.apiUrl, "GET", "/admin/tenants", { key: body.apiKey });
    expect(admin.status).toBe(403);
  });
});

describe("an account token", () => {
  test("reads and manages its own tenant, and neither submits nor grants more than it may", async () => {
    const { body } = await register();
    const { token, tenant } = body;
    const create = (more: object) =>
      withToken(token, "POST", "/admin/api-keys", { tenantId: tenant.id, name: "key", ...more });
    const created = await create({ scopes: ["submit", "query"] });
    expect(created.status).toBe(201);
    const hash = randomHash();
    expect(
      (await call(api.apiUrl, "POST", "/v1/hashes", { key: created.body.key, body: { hash } })).status,
    ).toBe(202);
    expect((await withToken(token, "GET", `/v1/hashes/${hash}`)).status).toBe(200);
    expect((await withToken(token, "GET", "/v1/quota")).body).toMatchObject({
      plan: "free",
      monthly: { used: 1 },
    });
    expect((await withToken(token, "GET", `/admin/api-keys?tenantId=${tenant.id}`)).body.data).toHaveLength(
      1,
    );
    expect((await withToken(token, "POST", "/v1/hashes", { hash })).status).toBe(403);
    expect((await withToken(token, "GET", "/admin/tenants")).status).toBe(403);
    expect(await create({ scopes: ["admin"] })).toMatchObject({ status: 403 });
    expect(await create({ scopes: [] })).toMatchObject({
      status: 201,
      body: { scopes: ["submit", "query", "manage"] },
    });
    expect((await withToken(token, "DELETE", `/admin/api-keys/${created.body.id}`)).status).toBe(204);
  });

  test("makes no keys without end, and revokes none that may do all", async () => {
    const { body } = await register();
    await api.db.pool.query(
      `INSERT INTO app.api_keys (tenant_id, id, name, key_sha256, key_prefix, scopes, rate_limit_per_minute)
       SELECT $1, gen_random_uuid(), 'key', sha256(int4send(n) || uuid_send($1)), 'ha_00000', '{query}', 60
       FROM generate_series(1, 100) n`,
      [body.tenant.id],
    );
    const create = () =>
      withToken(body.token, "POST", "/admin/api-keys", { tenantId: body.tenant.id, name: "one more" });
    expect((await create()).status).toBe(409);
    const { data } = (await withToken(body.token, "GET", `/admin/api-keys?tenantId=${body.tenant.id}`)).body;
    expect((await withToken(body.token, "DELETE", `/admin/api-keys/${data[0].id}`)).status).toBe(204);
    expect((await create()).status).toBe(201);
    const admin = await call(api.apiUrl, "POST", "/admin/api-keys", {
      key: api.adminKey,
      body: { tenantId: body.tenant.id, name: "all", scopes: ["admin"] },
    });
    expect((await withToken(body.token, "DELETE", `/admin/api-keys/${admin.body.id}`)).status).toBe(403);
  });

  test("makes no more keys than it may by asking for several at once", async () => {
    const { body } = await register();
    await api.db.pool.query(
      `INSERT INTO app.api_keys (tenant_id, id, name, key_sha256, key_prefix, scopes, rate_limit_per_minute)
       SELECT $1, gen_random_uuid(), 'key', sha256(int4send(n) || uuid_send($1)), 'ha_00000', '{query}', 60
       FROM generate_series(1, 96) n`,
      [body.tenant.id],
    );
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        withToken(body.token, "POST", "/admin/api-keys", { tenantId: body.tenant.id, name: "one more" }),
      ),
    );
    const { rows } = await api.db.pool.query(
      "SELECT count(*)::int AS keys FROM app.api_keys WHERE tenant_id = $1",
      [body.tenant.id],
    );
    expect(rows[0].keys).toBe(100);
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array(4).fill(201),
      ...Array(8).fill(409),
    ]);
  });

  test("sees nothing of another tenant", async () => {
    const { body } = await register();
    const other = await createTenantKey(api);
    const { token } = body;
    expect(
      (await withToken(token, "POST", "/admin/api-keys", { tenantId: other.tenantId, name: "x" })).status,
    ).toBe(404);
    expect((await withToken(token, "GET", `/admin/api-keys?tenantId=${other.tenantId}`)).status).toBe(404);
    expect((await withToken(token, "DELETE", `/admin/api-keys/${other.keyId}`)).status).toBe(404);
    expect((await call(api.apiUrl, "GET", "/v1/batches", other)).status).toBe(200);
  });

  test("works in every process, is limited, audited, and ends with its tenant's suspension", async () => {
    const second = await api.startApi();
    const { body } = await register();
    const me = await withToken(body.token, "GET", "/auth/me", undefined, second.url);
    expect(me.status).toBe(200);
    expect(me.headers.get("X-RateLimit-Limit")).toBe("600");
    const { rows } = await api.db.pool.query("SELECT * FROM app.audit_logs WHERE request_id = $1", [
      me.headers.get("X-Request-Id"),
    ]);
    expect(rows).toMatchObject([
      { tenant_id: body.tenant.id, api_key_id: null, action: "account.view", status_code: 200 },
    ]);
    await call(api.apiUrl, "PATCH", `/admin/tenants/${body.tenant.id}`, {
      key: api.adminKey,
      body: { status: "suspended" },
    });
    expect((await withToken(body.token, "GET", "/auth/me", undefined, second.url)).status).toBe(403);
    await second.process.stop();
  });

  test("is nothing that somebody else can make", async () => {
    const { body } = await register();
    const [header, , signature] = body.token.split(".");
    const { claims: payload, forged: forge } = await openAccountToken(api, body.token);
    const { kid } = decodeProtectedHeader(body.token);
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const own = await generateKeyPair("EdDSA", { extractable: true });
    const sign = (protectedHeader: object = {}) =>
      new SignJWT(payload)
        .setProtectedHeader({
          alg: "EdDSA",
          typ: "account+jwt",
          kid,
          ...protectedHeader,
        } as JWTHeaderParameters)
        .sign(own.privateKey);
    const forged = [
      ...forge(),
      await sign(),
      await sign({ jwk: await exportJWK(own.publicKey) }),
      `${header}.${encode({ ...payload, sub: "0190aaaa-0000-7000-8000-000000000000" })}.${signature}`,
      `${header}.${encode({ ...payload, exp: payload.exp! + 1 })}.${signature}`,
      "a.b.c",
    ];
    for (const token of forged) expect((await withToken(token, "GET", "/auth/me")).status).toBe(401);
    const { key } = await createTenantKey(api);
    expect((await withToken(key, "GET", "/auth/me")).status).toBe(401);
  });
});

describe("protocol §9 a token that our own key signed", () => {
  test("stands for an account only with its type, audience and issuer, and until it expires", async () => {
    const { body } = await register();
    const { claims: good, sign } = await openAccountToken(api, body.token);
    const status = async (claims: JWTPayload, header?: object) =>
      (await withToken(await sign(claims, header), "GET", "/auth/me")).status;
    expect(await status(good)).toBe(200);
    expect(await status(good, { typ: "JWT" })).toBe(401);
    expect(await status(good, { typ: "at+jwt" })).toBe(401);
    expect(await status(good, {})).toBe(401);
    expect(await status({ ...good, aud: "holdfast:receipt" })).toBe(401);
    expect(await status({ ...good, iss: "https://elsewhere.example" })).toBe(401);
    const { aud: _aud, ...withoutAudience } = good;
    expect(await status(withoutAudience)).toBe(401);
    expect(await status({ ...good, exp: Math.floor(Date.now() / 1_000) - 1 })).toBe(401);
    const { exp: _exp, ...withoutEnd } = good;
    expect(await status(withoutEnd)).toBe(401);
    expect(await status({ ...good, sub: "0190aaaa-0000-7000-8000-000000000000" })).toBe(401);
  });

  test("is followed by others when the secret is replaced, and holds on until its key ends", async () => {
    const { body } = await register();
    const rotated = await api.startApi({ CHAIN_KEY_ENCRYPTION_SECRET: "y".repeat(40) });
    const person = newPerson();
    expect((await call(rotated.url, "POST", "/auth/register", { body: person })).status).toBe(201);
    const login = await call(rotated.url, "POST", "/auth/login", { body: person });
    expect(login.status).toBe(200);
    expect((await withToken(login.body.token, "GET", "/auth/me")).status).toBe(200);
    expect((await withToken(body.token, "GET", "/auth/me", undefined, rotated.url)).status).toBe(200);
    await rotated.process.stop();
  });

  test("has a key that goes, with its secret, when its last token has expired", async () => {
    const { body } = await register();
    const kidOf = (token: string) =>
      JSON.parse(Buffer.from(token.split(".")[0]!, "base64url").toString()).kid;
    const ends = (kid: string, signsUntil: string, verifiesUntil: string) =>
      api.db.pool.query(
        `UPDATE app.account_token_keys
         SET signs_until = now() + $2::interval, verifies_until = now() + $3::interval WHERE kid = $1`,
        [kid, signsUntil, verifiesUntil],
      );
    const kids = async () =>
      (await api.db.pool.query("SELECT kid FROM app.account_token_keys")).rows.map(({ kid }) => kid);
    const first = kidOf(body.token);
    for (const kid of await kids()) await ends(kid, "-1 second", kid === first ? "1 day" : "-1 second");
    const { token: next } = (await register()).body;
    expect((await kids()).sort()).toEqual([first, kidOf(next)].sort());
    expect((await withToken(body.token, "GET", "/auth/me")).status).toBe(200);
    await ends(first, "-8 days", "-1 second");
    await ends(kidOf(next), "-1 second", "7 days");
    const { token: last } = (await register()).body;
    expect((await kids()).sort()).toEqual([kidOf(next), kidOf(last)].sort());
  });
});

describe("a tenant's own keys", () => {
  test("have a rate limit within its plan; the operator gives any", async () => {
    const bounded = await api.startApi({ PLAN_FREE_RATE_LIMIT: "40", PLAN_BASIC_RATE_LIMIT: "90" });
    const { body } = await register();
    const { token, tenant } = body;
    const fields = { tenantId: tenant.id, name: "key" };
    const byAccount = (more: object) =>
      withToken(token, "POST", "/admin/api-keys", { ...fields, ...more }, bounded.url);
    const byOperator = (method: string, path: string, more: object) =>
      call(bounded.url, method, path, { key: api.adminKey, body: more });
    const refused = await byAccount({ rateLimitPerMinute: 41 });
    expect(refused).toMatchObject({ status: 400, body: { member: "rateLimitPerMinute" } });
    expect(refused.body.error).toContain("must be 1 to 40 for a tenant of plan free");
    expect(await byAccount({ rateLimitPerMinute: 40 })).toMatchObject({
      status: 201,
      body: { rateLimitPerMinute: 40 },
    });
    expect(await byAccount({})).toMatchObject({ status: 201, body: { rateLimitPerMinute: 40 } });
    await byOperator("PATCH", `/admin/tenants/${tenant.id}`, { plan: "basic" });
    expect(await byAccount({})).toMatchObject({ status: 201, body: { rateLimitPerMinute: 60 } });
    expect((await byAccount({ rateLimitPerMinute: 91 })).status).toBe(400);
    const manager = await byAccount({ scopes: ["manage"] });
    const byManager = (more: object) =>
      call(bounded.url, "POST", "/admin/api-keys", { key: manager.body.key, body: { ...fields, ...more } });
    expect((await byManager({ rateLimitPerMinute: 91 })).status).toBe(400);
    expect((await byManager({ rateLimitPerMinute: 90 })).status).toBe(201);
    expect(
      await byOperator("POST", "/admin/api-keys", { ...fields, rateLimitPerMinute: 10_000 }),
    ).toMatchObject({ status: 201, body: { rateLimitPerMinute: 10_000 } });
    await byOperator("PATCH", `/admin/tenants/${tenant.id}`, { plan: "none" });
    expect((await byAccount({ rateLimitPerMinute: 10_000 })).status).toBe(201);
    await bounded.process.stop();
  });
});

test("HA-1 without a secret to seal its key with, nobody logs in, and it says what is missing", async () => {
  const bare = await api.startApi({ CHAIN_KEY_ENCRYPTION_SECRET: "" });
  const person = newPerson();
  const answer = await call(bare.url, "POST", "/auth/register", { body: person });
  expect(answer).toMatchObject({
    status: 503,
    body: { error: "Accounts are not configured on this server" },
  });
  expect((await post("/auth/login", person)).status).toBe(401); // nothing was stored
  await bare.process.stop();
});
