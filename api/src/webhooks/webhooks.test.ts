import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowsHolding, startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { EVENT_TYPES } from "./eventTypes.ts";

const URL = "https://hooks.example.com/holdfast";

let api: TestApi;
let key: string;
let tenantId: string;

beforeAll(async () => {
  api = await startTestApi();
  ({ key, tenantId } = await createTenantKey(api, { scopes: ["query"] }));
});
afterAll(() => api.stop());

const ask = (method: string, path: string, body?: unknown, as = key) =>
  call(api.apiUrl, method, `/v1/webhooks${path}`, { key: as, ...(body === undefined ? {} : { body }) });

describe("HA-10 creating a webhook", () => {
  test("answers 201 with all events and a secret of its own when none are given", async () => {
    const { status, body } = await ask("POST", "", { url: URL });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      url: URL,
      events: EVENT_TYPES,
      status: "active",
      secret: expect.stringMatching(/^whsec_/),
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
  });

  test("takes events, each once, and a secret of 16 to 255 characters, and shows it this once", async () => {
    for (const secret of ["s".repeat(16), "s".repeat(255), "a secret of mine, ünï"]) {
      const events = ["hash.anchored", "webhook.test", "hash.anchored"];
      const { status, body } = await ask("POST", "", { url: URL, events, secret });
      expect(status).toBe(201);
      expect(body).toMatchObject({ events: ["hash.anchored", "webhook.test"], secret });
      expect(JSON.stringify((await ask("GET", "")).body)).not.toContain(secret);
    }
  });

  test("keeps secrets sealed and logs none", async () => {
    const secret = "a-secret-that-must-be-nowhere";
    const { body } = await ask("POST", "", { url: URL, secret });
    await ask("PATCH", `/${body.id}`, { secret: `${secret}-either` });
    expect(await rowsHolding(api.databaseUrl, secret)).toEqual([]);
    expect(api.api.output()).not.toContain(secret);
  });

  test.each([
    [{}, "url"],
    [{ url: 5 }, "url"],
    [{ url: `https://example.com/${"a".repeat(2_048)}` }, "url"],
    [{ url: "http://example.com/" }, "url"],
    [{ url: "https://127.0.0.1/" }, "url"],
    [{ url: "https://2130706433/" }, "url"],
    [{ url: "https://[::ffff:10.0.0.1]/" }, "url"],
    [{ url: "https://u:p@example.com/" }, "url"],
    [{ url: "https://localhost/" }, "url"],
    [{ url: URL, events: [] }, "events"],
    [{ url: URL, events: ["hash.deleted"] }, "events[0]"],
    [{ url: URL, secret: "s".repeat(15) }, "secret"],
    [{ url: URL, secret: "s".repeat(256) }, "secret"],
    [{ url: URL, secret: "whsec_not base64 at all" }, "secret"],
  ])("refuses %j", async (body, member) => {
    expect(await ask("POST", "", body)).toMatchObject({
      status: 400,
      body: { member, error: expect.stringContaining("Invalid request body") },
    });
  });

  test("takes a name that does not resolve yet", async () => {
    // Whatever the machine's resolver says: names under `invalid` never resolve (RFC 6761 §6.4).
    const { status } = await ask("POST", "", { url: "https://not-yet.invalid/" });
    expect(status).toBe(201);
  });

  test("is a 503 without a secret to seal with, and stores nothing", async () => {
    const unsealed = await api.startApi({ CHAIN_KEY_ENCRYPTION_SECRET: "" });
    const { key: other } = await createTenantKey(api);
    const answer = await call(unsealed.url, "POST", "/v1/webhooks", { key: other, body: { url: URL } });
    expect(answer).toMatchObject({
      status: 503,
      body: { error: "Webhooks are not configured on this server" },
    });
    expect((await ask("GET", "", undefined, other)).body).toEqual({ data: [] });
  });

  test("stops at 20 a tenant, however many are created at once", async () => {
    const { key: busy } = await createTenantKey(api);
    const answers = await Promise.all(
      Array.from({ length: 25 }, () => ask("POST", "", { url: URL, events: ["webhook.test"] }, busy)),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(20).fill(201), ...Array(5).fill(409)]);
    const [first] = (await ask("GET", "", undefined, busy)).body.data;
    await ask("DELETE", `/${first.id}`, undefined, busy);
    expect((await ask("POST", "", { url: URL }, busy)).status).toBe(201);
  });
});

describe("HA-10 changing and deleting a webhook", () => {
  test("PATCH changes what it names and leaves the rest", async () => {
    const { body: made } = await ask("POST", "", { url: URL, events: ["hash.anchored"] });
    const moved = await ask("PATCH", `/${made.id}`, { url: `${URL}/2`, status: "disabled" });
    expect(moved.status).toBe(200);
    expect(moved.body).toMatchObject({ url: `${URL}/2`, status: "disabled", events: ["hash.anchored"] });
    expect(moved.body).not.toHaveProperty("secret");
    const again = await ask("PATCH", `/${made.id}`, { events: ["batch.anchored"], status: "active" });
    expect(again.body).toMatchObject({ url: `${URL}/2`, status: "active", events: ["batch.anchored"] });
  });

  test.each([
    {},
    { url: "https://10.0.0.1/" },
    { url: "https://169.254.169.254/latest/meta-data" },
    { url: "http://example.com/" },
    { events: [] },
    { status: "paused" },
    { secret: "short" },
    { url: null },
  ])("PATCH refuses %j, and changes nothing", async (body) => {
    const { body: made } = await ask("POST", "", { url: URL });
    expect((await ask("PATCH", `/${made.id}`, { ...body })).status).toBe(400);
    const listed = (await ask("GET", "")).body.data.find(({ id }: { id: string }) => id === made.id);
    expect(listed).toMatchObject({ url: URL, events: EVENT_TYPES, status: "active" });
  });

  test("DELETE answers 204, once", async () => {
    const { body: made } = await ask("POST", "", { url: URL });
    expect((await ask("DELETE", `/${made.id}`)).status).toBe(204);
    expect((await ask("DELETE", `/${made.id}`)).status).toBe(404);
    expect((await ask("GET", `/${made.id}/deliveries`)).status).toBe(404);
  });

  test("another tenant's webhook, an unknown and a malformed id are a 404", async () => {
    const { body: made } = await ask("POST", "", { url: URL });
    const { key: stranger } = await createTenantKey(api, { scopes: ["query"] });
    const { body: tested } = await ask("POST", `/${made.id}/test`);
    for (const id of [made.id, "019ac1f0-7e1c-7000-8000-4b5a6c7d8e9f", "x"]) {
      const asked = [
        ask("PATCH", `/${id}`, { status: "disabled" }, stranger),
        ask("DELETE", `/${id}`, undefined, stranger),
        ask("POST", `/${id}/test`, undefined, stranger),
        ask("GET", `/${id}/deliveries`, undefined, stranger),
        ask("POST", `/${id}/deliveries/${tested.id}/replay`, undefined, stranger),
      ];
      for (const { status } of await Promise.all(asked)) expect(status, id).toBe(404);
    }
    expect((await ask("POST", `/${made.id}/deliveries/x/replay`)).body.error).toBe("Delivery not found");
  });
});

test("HA-15 each call leaves one audit row with the source's action names", async () => {
  const { body: made } = await ask("POST", "", { url: URL });
  const { body: tested } = await ask("POST", `/${made.id}/test`);
  await ask("POST", `/${made.id}/deliveries/${tested.id}/replay`);
  await ask("PATCH", `/${made.id}`, { events: ["webhook.test"] });
  await ask("DELETE", `/${made.id}`);
  const { rows } = await api.db.pool.query(
    "SELECT action, resource_type, status_code FROM app.audit_logs WHERE tenant_id = $1 AND resource_id = ANY ($2) ORDER BY request_id",
    [tenantId, [made.id, tested.id]],
  );
  expect(rows).toEqual([
    { action: "webhook.create", resource_type: "webhook", status_code: 201 },
    { action: "webhook.test", resource_type: "webhook", status_code: 202 },
    { action: "webhook.replay", resource_type: "webhook_delivery", status_code: 409 },
    { action: "webhook.update", resource_type: "webhook", status_code: 200 },
    { action: "webhook.delete", resource_type: "webhook", status_code: 204 },
  ]);
});

test("a disabled webhook cannot be tested", async () => {
  const { body: made } = await ask("POST", "", { url: URL });
  await ask("PATCH", `/${made.id}`, { status: "disabled" });
  expect(await ask("POST", `/${made.id}/test`)).toMatchObject({
    status: 409,
    body: { error: "The webhook is disabled" },
  });
});
