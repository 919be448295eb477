import { createHash, createHmac, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forgetOldNonces } from "#api/http/requestNonces.ts";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";

const PATH = "/tool/v1/consents";
const BODY = JSON.stringify({ consent_type: "cookie_consent", decision: "accept" });

let api: TestApi;
let second: string;

beforeAll(async () => {
  api = await startTestApi();
  ({ url: second } = await api.startApi());
});
afterAll(() => api.stop());

type Signing = {
  key: string;
  path?: string;
  body?: string;
  timestamp?: string;
  nonce?: string;
  /** What is signed, where that differs from what is sent. */
  signed?: {
    key?: string;
    method?: string;
    path?: string;
    body?: string;
    timestamp?: string;
    nonce?: string;
  };
};

const now = (offsetSeconds = 0) => String(Math.floor(Date.now() / 1_000) + offsetSeconds);

/** Written after HE-9 and nothing else. */
function headersOf({
  key,
  path = PATH,
  body = BODY,
  timestamp = now(),
  nonce = randomUUID(),
  signed = {},
}: Signing) {
  const of = { key, method: "POST", path, body, timestamp, nonce, ...signed };
  const bodyDigest = createHash("sha256").update(of.body).digest("hex");
  const text = [of.method, of.path, of.timestamp, of.nonce, bodyDigest].join("\n");
  const signature = createHmac("sha256", of.key).update(text).digest("hex");
  return { "X-API-Key": key, "X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature };
}

async function send(
  headers: Record<string, string>,
  { origin = api.apiUrl, path = PATH, body = BODY } = {},
): Promise<{ status: number; text: string }> {
  const response = await fetch(origin + path, { method: "POST", headers, ...(body === "" ? {} : { body }) });
  return { status: response.status, text: await response.text() };
}

async function consents(): Promise<number> {
  const { rows } = await api.db.pool.query("SELECT count(*) FROM app.consents");
  return rows[0].count;
}

const REFUSED = { status: 401, text: '{"message":"Invalid request signature"}' };

describe("HE-9 a signed request", () => {
  test("is taken on every POST of the surface, and without a signature too where the key demands none", async () => {
    const { key } = await createTenantKey(api);
    const batch = JSON.stringify({ consents: [JSON.parse(BODY)] });
    const single = await send(headersOf({ key }));
    expect(single.status).toBe(201);
    const path = `${PATH}/batch`;
    expect((await send(headersOf({ key, path, body: batch }), { path, body: batch })).status).toBe(201);
    const withdraw = `${PATH}/${JSON.parse(single.text).data.consent_token}/withdraw`;
    const empty = { path: withdraw, body: "" };
    expect((await send(headersOf({ key, ...empty }), empty)).status).toBe(201);
    expect((await send({ "X-API-Key": key })).status).toBe(201);
  });

  test("may have its key as Bearer, its nonce and signature in any case, and its clock 290 s off", async () => {
    const { key } = await createTenantKey(api, { requireSigning: true });
    const { "X-API-Key": _, ...rest } = headersOf({ key });
    expect((await send({ ...rest, Authorization: `Bearer ${key}` })).status).toBe(201);
    const upper = headersOf({ key, nonce: randomUUID().toUpperCase() });
    expect((await send({ ...upper, "X-Signature": upper["X-Signature"].toUpperCase() })).status).toBe(201);
    for (const offset of [-290, 290])
      expect((await send(headersOf({ key, timestamp: now(offset) }))).status).toBe(201);
  });

  test("is demanded of a key that requires it, on every POST", async () => {
    const { key } = await createTenantKey(api, { requireSigning: true });
    for (const path of [PATH, `${PATH}/batch`, `${PATH}/ct_${"0".repeat(32)}/withdraw`])
      expect(await send({ "X-API-Key": key }, { path })).toEqual(REFUSED);
    expect((await send(headersOf({ key }))).status).toBe(201);
  });

  test("is demanded and checked on POSTs for documents, erasures and holds too", async () => {
    const { key } = await createTenantKey(api, { requireSigning: true, scopes: ["manage"] });
    const posts: [path: string, body: object, status: number][] = [
      ["/v1/documents", { slug: "terms", title: "Terms" }, 201],
      ["/v1/documents/terms/versions", { version: "1", text: "You agree." }, 201],
      [`/v1/documents/terms/versions/${randomUUID()}/activate`, {}, 404],
      ["/v1/consents/erasures", { person: "visitor-1" }, 201],
      ["/v1/consents/holds", { person: "visitor-1", reason: "A case" }, 201],
      [`/v1/consents/holds/${randomUUID()}/release`, { reason: "Over" }, 404],
    ];
    for (const [path, json, status] of posts) {
      const body = JSON.stringify(json);
      const signed = headersOf({ key, path, body });
      for (const headers of [{ "X-API-Key": key }, { ...signed, "X-Signature": "00" }])
        expect((await send(headers, { path, body })).status, path).toBe(401);
      expect((await send(signed, { path, body })).status, path).toBe(status);
    }
  });

  test("of an account, which has no key to sign with, is refused", async () => {
    const person = { name: "Acme", email: "signing@acme.example", password: "correct horse battery" };
    const { token } = (await call(api.apiUrl, "POST", "/auth/register", { body: person })).body;
    const headers = { Authorization: `Bearer ${token}`, "X-Timestamp": now(), "X-Nonce": randomUUID() };
    const body = JSON.stringify({ slug: "terms", title: "Terms" });
    const signed = { ...headers, "X-Signature": "0".repeat(64) };
    expect((await send(signed, { path: "/v1/documents", body })).status).toBe(401);
  });

  test("with anything wrong is one and the same 401, and nothing is stored", async () => {
    const { key } = await createTenantKey(api);
    const other = await createTenantKey(api);
    const good = headersOf({ key });
    const without = (name: keyof typeof good) => {
      const { [name]: _, ...rest } = headersOf({ key });
      return rest as Record<string, string>;
    };
    const bad: Record<string, Record<string, string>> = {
      "no time stamp": without("X-Timestamp"),
      "no nonce": without("X-Nonce"),
      "no signature": without("X-Signature"),
      "a time stamp alone": { "X-API-Key": key, "X-Timestamp": now() },
      "a clock 310 s behind": headersOf({ key, timestamp: now(-310) }),
      "a clock 310 s ahead": headersOf({ key, timestamp: now(310) }),
      "a time stamp in milliseconds": headersOf({ key, timestamp: String(Date.now()) }),
      "a time stamp with a fraction": headersOf({ key, timestamp: `${now()}.5` }),
      "a time stamp of another form": headersOf({ key, timestamp: new Date().toISOString() }),
      "a negative time stamp": headersOf({ key, timestamp: "-1" }),
      "a nonce that is no UUID": headersOf({ key, nonce: "1" }),
      "another key's signature": headersOf({ key, signed: { key: other.key } }),
      "another method's": headersOf({ key, signed: { method: "PUT" } }),
      "another path's": headersOf({ key, signed: { path: `${PATH}/batch` } }),
      "another body's": headersOf({ key, signed: { body: `${BODY} ` } }),
      "another time's": headersOf({ key, signed: { timestamp: now(1) } }),
      "another nonce's": headersOf({ key, signed: { nonce: randomUUID() } }),
      "a signature of another length": { ...good, "X-Signature": "00" },
      "a signature that is no hex": { ...good, "X-Signature": "z".repeat(64) },
      "an empty signature": { ...good, "X-Signature": "" },
    };
    const before = await consents();
    for (const [what, headers] of Object.entries(bad)) expect(await send(headers), what).toEqual(REFUSED);
    expect(await consents()).toBe(before);
    // None of these has used the nonce up.
    expect((await send(good)).status).toBe(201);
  });

  test("with a nonce that was used before is refused, in every process and after a restart", async () => {
    const { key } = await createTenantKey(api);
    const headers = headersOf({ key });
    expect((await send(headers)).status).toBe(201);
    const before = await consents();
    for (const origin of [api.apiUrl, second]) expect(await send(headers, { origin })).toEqual(REFUSED);
    const restarted = await api.startApi();
    expect(await send(headers, { origin: restarted.url })).toEqual(REFUSED);
    const nonce = headers["X-Nonce"].toUpperCase();
    expect(await send(headersOf({ key, nonce }))).toEqual(REFUSED);
    expect(await consents()).toBe(before);
    // Another key's nonces are its own.
    const other = await createTenantKey(api);
    expect((await send(headersOf({ key: other.key, nonce: headers["X-Nonce"] }))).status).toBe(201);
  });

  test("sent many times at once, to both processes, is taken once", async () => {
    const { key } = await createTenantKey(api);
    for (let round = 0; round < 5; round++) {
      const headers = headersOf({ key });
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => send(headers, { origin: i % 2 ? api.apiUrl : second })),
      );
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
    }
  });

  test("is remembered for longer than its time stamp is taken", async () => {
    const { key } = await createTenantKey(api);
    const nonceAt = async (ageSeconds: number) => {
      const nonce = randomUUID();
      expect((await send(headersOf({ key, nonce }))).status).toBe(201);
      await api.db.pool.query(
        "UPDATE app.request_nonces SET seen_at = now() - make_interval(secs => $2) WHERE nonce = $1",
        [nonce, ageSeconds],
      );
      await forgetOldNonces(api.db);
      const { rows } = await api.db.pool.query("SELECT FROM app.request_nonces WHERE nonce = $1", [nonce]);
      return rows.length;
    };
    expect(await nonceAt(700)).toBe(1);
    expect(await nonceAt(3_700)).toBe(0);
  });
});
