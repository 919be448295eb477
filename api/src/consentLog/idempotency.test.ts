import { hash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forgetOldAnswers } from "#api/consents/keptAnswers.ts";
import { rowsHolding, startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { type PostgresProxy, startPostgresProxy } from "#test/support/postgresProxy.ts";

const DAY_MS = 86_400_000;

let api: TestApi;
let database: PostgresProxy;
let origins: string[];

beforeAll(async () => {
  api = await startTestApi();
  database = await startPostgresProxy({ databaseUrl: api.databaseUrl });
  origins = [api.apiUrl, (await api.startApi()).url, (await api.startApi()).url];
});
afterAll(async () => {
  await api.stop();
  await database.stop();
});

const consent = (visitor: string) => ({
  consent_type: "cookie_consent",
  decision: "accept",
  visitor_id: visitor,
});
type Sent = { origin?: string; key: string; idempotencyKey: string };

async function send(path: string, body: unknown, { origin = api.apiUrl, key, idempotencyKey }: Sent) {
  const response = await fetch(origin + path, {
    method: "POST",
    headers: { "X-API-Key": key, "Idempotency-Key": idempotencyKey },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

async function recordsOf(tenantId: string): Promise<number> {
  const { rows } = await api.db.pool.query("SELECT count(*) FROM app.consents WHERE tenant_id = $1", [
    tenantId,
  ]);
  return rows[0].count;
}

const requests = [
  {
    what: "single",
    path: "/tool/v1/consents",
    body: (visitor: string): object => consent(visitor),
    records: 1,
  },
  {
    what: "batch",
    path: "/tool/v1/consents/batch",
    body: (visitor: string): object => ({ consents: [consent(visitor), { decision: 7 }, consent(visitor)] }),
    records: 2,
  },
];

describe.each(requests)("HE-8 Idempotency-Key, $what", ({ path, body, records }) => {
  test("the same key and body get the first answer again, byte for byte, in every process", async () => {
    const { key, tenantId } = await createTenantKey(api);
    const sent = { key, idempotencyKey: randomUUID() };
    const first = await send(path, body("v"), sent);
    expect(first.status).toBe(201);
    expect(first.headers.get("Idempotent-Replayed")).toBeNull();
    for (const origin of origins) {
      const again = await send(path, body("v"), { ...sent, origin });
      expect(again).toMatchObject({ status: 201, text: first.text });
      expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    }
    expect(await recordsOf(tenantId)).toBe(records);
  });

  test("what is kept of the request tells nobody what was in it", async () => {
    const { key, tenantId } = await createTenantKey(api);
    await send(path, body("v"), { key, idempotencyKey: randomUUID() });
    const { rows } = await api.db.pool.query(
      "SELECT encode(request_sha256, 'hex') AS kept FROM app.idempotency_keys WHERE tenant_id = $1",
      [tenantId],
    );
    const text = JSON.stringify(body("v"));
    const guesses = [text, `${path}\n${text}`].map((guess) => hash("sha256", guess));
    expect(rows).toHaveLength(1);
    expect(guesses).not.toContain(rows[0].kept);
  });

  test("the same key with another body is a 409, and nothing is recorded", async () => {
    const { key, tenantId } = await createTenantKey(api);
    const sent = { key, idempotencyKey: "order 1" };
    const first = await send(path, body("v"), sent);
    const other = await send(path, body("w"), { ...sent, origin: origins[1]! });
    expect(other.status).toBe(409);
    expect(JSON.parse(other.text)).toEqual({ message: expect.any(String) });
    expect((await send(path, body("v"), sent)).text).toBe(first.text);
    expect(await recordsOf(tenantId)).toBe(records);
  });

  test("many at once, over three processes, make exactly one record and get one answer", async () => {
    const { key, tenantId } = await createTenantKey(api);
    for (let round = 1; round <= 5; round++) {
      const idempotencyKey = randomUUID();
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, i) =>
          send(path, body("v"), { origin: origins[i % origins.length]!, key, idempotencyKey }),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(await recordsOf(tenantId)).toBe(round * records);
    }
  });

  test.each([
    { fate: "fails and is not stored", stored: false },
    { fate: "fails but is stored", stored: true },
  ])(
    "and the API killed at each write, which $fate: the repeat makes exactly one record",
    async ({ stored }) => {
      // Below a limit of 100 every request is counted before it is answered: then its writes come in one order.
      const { key, tenantId } = await createTenantKey(api, { rateLimitPerMinute: 99 });
      let victim = await api.startApi({ DATABASE_URL: database.url });
      let sawTheRecord = false;
      for (let nth = 1; ; nth++) {
        const sent = { key, idempotencyKey: `key ${nth}` };
        const fault = database.addFault({ nth, stored, meanwhile: () => victim.process.kill9() });
        const first = await send(path, body("v"), { ...sent, origin: victim.url }).catch(() => null);
        const isOver = fault.remove();
        if (!isOver) {
          const unit = await fault.done;
          sawTheRecord ||= unit.sql.some((sql) => sql.includes("INSERT INTO app.consents"));
          await victim.process.exited;
          victim = await api.startApi({ DATABASE_URL: database.url });
        }
        const again = await send(path, body("v"), { ...sent, origin: victim.url });
        expect(again.status).toBe(201);
        if (first !== null) expect(again.text).toBe(first.text);
        expect(await recordsOf(tenantId)).toBe(nth * records);
        if (isOver) break;
      }
      expect(sawTheRecord).toBe(true);
      await victim.process.stop();
    },
  );
});

describe("HE-8 an idempotency key", () => {
  const path = "/tool/v1/consents";

  test("belongs to its API key and its route", async () => {
    const { key, tenantId } = await createTenantKey(api);
    const sibling = await call(api.apiUrl, "POST", "/admin/api-keys", {
      key: api.adminKey,
      body: { tenantId, name: "sibling", scopes: ["submit"] },
    });
    const stranger = await createTenantKey(api);
    const idempotencyKey = "one";
    const texts = [
      (await send(path, consent("v"), { key, idempotencyKey })).text,
      (await send(path, consent("w"), { key: sibling.body.key, idempotencyKey })).text,
      (await send(path, consent("x"), { key: stranger.key, idempotencyKey })).text,
      (await send(`${path}/batch`, { consents: [consent("y")] }, { key, idempotencyKey })).text,
    ];
    expect(new Set(texts).size).toBe(4);
    expect(await recordsOf(tenantId)).toBe(3);
  });

  test("of a withdrawal stands for that consent's", async () => {
    const { key, tenantId } = await createTenantKey(api);
    const tokens = [];
    for (const visitor of ["v", "w"]) {
      const { text } = await send(path, consent(visitor), { key, idempotencyKey: randomUUID() });
      tokens.push(JSON.parse(text).data.consent_token);
    }
    const withdraw = (token: string) => send(`${path}/${token}/withdraw`, {}, { key, idempotencyKey: "w" });
    const first = await withdraw(tokens[0]);
    expect((await withdraw(tokens[0])).text).toBe(first.text);
    expect((await withdraw(tokens[1])).status).toBe(409);
    expect(await recordsOf(tenantId)).toBe(3);
  });

  test("gets the first answer also when the version was retired meanwhile", async () => {
    const { key } = await createTenantKey(api, { scopes: ["submit", "manage"] });
    const documents = (path: string, body: object) =>
      call(api.apiUrl, "POST", `/v1/documents${path}`, { key, body });
    await documents("", { slug: "terms", title: "Terms" });
    const version = await documents("/terms/versions", { version: "1", text: "one", activate: true });
    const body = { ...consent("v"), document_version_id: version.body.data.id };
    const first = await send(path, body, { key, idempotencyKey: "before" });
    await documents("/terms/versions", { version: "2", text: "two", activate: true });
    expect(await send(path, body, { key, idempotencyKey: "before" })).toMatchObject({
      status: 201,
      text: first.text,
    });
    expect((await send(path, body, { key, idempotencyKey: "after" })).status).toBe(409);
  });

  test("is free again after a refusal: what recorded nothing is looked at anew", async () => {
    const { key, tenantId } = await createTenantKey(api);
    expect((await send(path, { decision: "accept" }, { key, idempotencyKey: "one" })).status).toBe(422);
    expect((await send(path, consent("v"), { key, idempotencyKey: "one" })).status).toBe(201);
    expect(await recordsOf(tenantId)).toBe(1);
  });

  test("tells a key that was revoked nothing", async () => {
    const { key, keyId } = await createTenantKey(api);
    const sent = { key, idempotencyKey: "one" };
    for (const origin of origins)
      expect((await send(path, consent("v"), { ...sent, origin })).status).toBe(201);
    await call(api.apiUrl, "DELETE", `/admin/api-keys/${keyId}`, { key: api.adminKey });
    for (const origin of origins)
      expect(await send(path, consent("v"), { ...sent, origin })).toMatchObject({
        status: 401,
        text: '{"message":"Unauthenticated"}',
      });
  });

  test.each(["", "x".repeat(256), "é"])(
    "%j is none: 422, and nothing is recorded",
    async (idempotencyKey) => {
      const { key, tenantId } = await createTenantKey(api);
      const answer = await call(api.apiUrl, "POST", path, {
        key,
        body: consent("v"),
        headers: { "Idempotency-Key": idempotencyKey },
      });
      expect(answer).toMatchObject({
        status: 422,
        body: { errors: { "Idempotency-Key": [expect.any(String)] } },
      });
      expect(await recordsOf(tenantId)).toBe(0);
    },
  );

  test("is kept for 24 hours, as a digest, beside the digest of what was sent", async () => {
    const { key, tenantId } = await createTenantKey(api);
    const visitor = `visitor-${randomUUID()}`;
    const idempotencyKey = `key-${randomUUID()}`;
    const first = await send(path, consent(visitor), { key, idempotencyKey });
    expect(await rowsHolding(api.databaseUrl, idempotencyKey)).toEqual([]);
    // Its disclosure does, and no row beside it.
    const holding = await rowsHolding(api.databaseUrl, visitor);
    expect(holding.filter((row) => row.startsWith("app."))).toEqual([]);
    const backdate = (ms: number) =>
      api.db.pool.query("UPDATE app.idempotency_keys SET created_at = $2 WHERE tenant_id = $1", [
        tenantId,
        new Date(Date.now() - ms),
      ]);
    await backdate(DAY_MS - 60_000);
    await forgetOldAnswers(api.db, new Date());
    expect((await send(path, consent(visitor), { key, idempotencyKey })).text).toBe(first.text);
    await backdate(DAY_MS + 60_000);
    await forgetOldAnswers(api.db, new Date());
    const { rows } = await api.db.pool.query("SELECT FROM app.idempotency_keys WHERE tenant_id = $1", [
      tenantId,
    ]);
    expect(rows).toHaveLength(0);
    expect((await send(path, consent(visitor), { key, idempotencyKey })).text).not.toBe(first.text);
    expect(await recordsOf(tenantId)).toBe(2);
  });
});
