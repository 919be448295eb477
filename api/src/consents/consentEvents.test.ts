import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { logConsent, receiptEvent, recordingTenant } from "#test/support/consents.ts";
import type { NewConsent } from "./newConsent.ts";
import { tellExpired } from "./tellExpired.ts";

const ALL = ["consent.recorded", "consent.withdrawn", "consent.expired"];
const EXPIRES = new Date("2026-06-01T00:00:00.500Z");
const AFTER = new Date("2026-06-01T00:00:01Z");

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

async function newTenant(events: string[] = ALL) {
  const { tenantId, key } = await createTenantKey(api, { scopes: ["submit", "query", "manage"] });
  const body = { url: "https://hooks.invalid/", events };
  expect((await call(api.apiUrl, "POST", "/v1/webhooks", { key, body })).status).toBe(201);
  const { record } = recordingTenant(api.db, tenantId, { clock: () => new Date("2026-05-01T00:00:00Z") });
  return { tenantId, key, record };
}

async function eventsOf({ tenantId }: { tenantId: string }) {
  const { rows } = await api.db.pool.query(
    "SELECT id, type, data, created_at FROM app.webhook_outbox WHERE tenant_id = $1 ORDER BY created_at, id",
    [tenantId],
  );
  return rows;
}

const typesOf = async (tenant: { tenantId: string }) => (await eventsOf(tenant)).map(({ type }) => type);
const expiring = (person: string, more: Partial<NewConsent> = {}) =>
  receiptEvent(person, { expiresAt: EXPIRES, ...more });

describe("HA-10 webhooks hear of consents", () => {
  test("that are recorded or withdrawn, once each, with nothing of the person", async () => {
    const tenant = await newTenant();
    const [granted, withdrawn] = await tenant.record([
      logConsent("visitor-1", { ipAddress: "203.0.113.77", userAgent: "Mozilla", pageUrl: "https://a/b" }),
      logConsent("visitor-1", { action: "withdraw", decision: "withdraw" }),
    ]);
    const data = (recorded: typeof granted, action: string) => ({
      token: recorded!.token,
      surface: "log",
      action,
      proofHash: `sha256:${recorded!.recordDigest}`,
      expiresAt: null,
    });
    expect(await eventsOf(tenant)).toEqual([
      {
        id: granted!.id,
        type: "consent.recorded",
        data: data(granted, "grant"),
        created_at: granted!.createdAt,
      },
      {
        id: withdrawn!.id,
        type: "consent.withdrawn",
        data: data(withdrawn, "withdraw"),
        created_at: withdrawn!.createdAt,
      },
    ]);
    expect((await call(api.apiUrl, "GET", `/v1/consents/${granted!.token}`, tenant)).status).toBe(200);
  });

  test("only those that want it, of their own tenant, and not of an erasure", async () => {
    const [deaf, other] = [await newTenant(["hash.anchored"]), await newTenant(["consent.withdrawn"])];
    await deaf.record([logConsent("v")]);
    await other.record([logConsent("v")]);
    await call(api.apiUrl, "POST", "/v1/consents/erasures", { key: other.key, body: { person: "v" } });
    expect(await typesOf(deaf)).toEqual([]);
    expect(await typesOf(other)).toEqual([]);
  });

  test("in the transaction that stores them: of what is refused nobody hears", async () => {
    const tenant = await newTenant();
    const { call: record } = recordingTenant(api.db, tenant.tenantId, { plan: "free" });
    const consents = Array.from({ length: 101 }, () => logConsent("v"));
    await expect(record(consents)).rejects.toMatchObject({ status: 429 });
    expect(await typesOf(tenant)).toEqual([]);
  });
});

describe("HA-10 consent.expired", () => {
  test("is told when the time of a grant is over, once, by however many workers", async () => {
    const tenant = await newTenant(["consent.expired"]);
    const [granted] = await tenant.record([expiring("v")]);
    await tellExpired(api.db, new Date(EXPIRES.getTime() - 1));
    expect(await typesOf(tenant)).toEqual([]);
    await Promise.all([1, 2, 3].map(() => tellExpired(api.db, AFTER)));
    await tellExpired(api.db, AFTER);
    expect(await eventsOf(tenant)).toEqual([
      {
        id: expect.any(String),
        type: "consent.expired",
        data: {
          token: granted!.token,
          surface: "receipts",
          action: "grant",
          proofHash: `sha256:${granted!.recordDigest}`,
          expiresAt: EXPIRES.toISOString(),
        },
        created_at: EXPIRES,
      },
    ]);
  });

  test("is not told of what was declined, withdrawn, replaced or erased before", async () => {
    const tenant = await newTenant(["consent.expired"]);
    await tenant.record([expiring("declined", { action: "decline" })]);
    await tenant.record([expiring("withdrawn"), receiptEvent("withdrawn", { action: "withdraw" })]);
    await tenant.record([
      expiring("renewed"),
      receiptEvent("renewed", { expiresAt: new Date("2027-01-01T00:00:00Z") }),
    ]);
    await tenant.record([expiring("erased")]);
    await call(api.apiUrl, "POST", "/v1/consents/erasures", { key: tenant.key, body: { person: "erased" } });
    await tellExpired(api.db, AFTER);
    expect(await typesOf(tenant)).toEqual([]);
  });

  test("is told of a grant after which a banner was closed", async () => {
    const tenant = await newTenant(["consent.expired"]);
    await tenant.record([expiring("v"), receiptEvent("v", { action: "none" })]);
    await tellExpired(api.db, AFTER);
    expect(await typesOf(tenant)).toEqual(["consent.expired"]);
  });

  test("is told of more than fit into one transaction", async () => {
    const tenant = await newTenant(["consent.expired"]);
    await tenant.record(Array.from({ length: 501 }, (_, n) => expiring(`v${n}`)));
    while (await tellExpired(api.db, AFTER));
    expect(await typesOf(tenant)).toHaveLength(501);
  });
});
