import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSubmitHashes } from "#api/anchoring/submitHashes.ts";
import { startTestApi, type TestApi, UNREACHABLE_CHAIN_ID } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { signNothing } from "../consents/originSigner.ts";
import { newId } from "../newId.ts";

let api: TestApi;
let second: { url: string };

beforeAll(async () => {
  api = await startTestApi({ PLAN_FREE_HASHES: "10", PLAN_BASIC_HASHES: "57", PLAN_PRO_HASHES: "1000000" });
  second = await api.startApi();
});
afterAll(() => api.stop());

const OVER = "Monthly hash limit reached (10). Upgrade your plan for higher limits.";

async function createPlannedTenant(plan: string | null) {
  const tenant = await createTenantKey(api);
  await setPlan(tenant.tenantId, plan);
  return tenant;
}
const setPlan = (tenantId: string, plan: string | null) =>
  call(api.apiUrl, "PATCH", `/admin/tenants/${tenantId}`, { key: api.adminKey, body: { plan } });
const submit = (key: string, hash = randomHash(), origin = api.apiUrl) =>
  call(origin, "POST", "/v1/hashes", { key, body: { hash } });
const submitBatch = (key: string, hashes: string[], origin = api.apiUrl) =>
  call(origin, "POST", "/v1/hashes/batch", { key, body: { hashes: hashes.map((hash) => ({ hash })) } });
const quota = async (key: string) => (await call(api.apiUrl, "GET", "/v1/quota", { key })).body;
const headersOf = ({ headers }: { headers: Headers }) =>
  ["Limit", "Used", "Remaining"].map((name) => headers.get(`X-Quota-${name}`));

async function storedOf(tenantId: string): Promise<number> {
  const { rows } = await api.db.pool.query("SELECT FROM app.submissions WHERE tenant_id = $1", [tenantId]);
  return rows.length;
}

describe("HA-14 a plan's monthly quota", () => {
  test("stands in the headers of a submission that the rate limit refuses, and of no other call", async () => {
    const { key, tenantId } = await createTenantKey(api, { rateLimitPerMinute: 1 });
    await setPlan(tenantId, "free");
    const hash = randomHash();
    expect((await submit(key, hash)).status).toBe(202);
    for (const refused of [await submit(key), await submitBatch(key, [randomHash()])]) {
      expect([refused.status, ...headersOf(refused)]).toEqual([429, "10", "1", "9"]);
      expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
    }
    const query = await call(api.apiUrl, "GET", `/v1/hashes/${hash}`, { key });
    expect([query.status, ...headersOf(query)]).toEqual([429, null, null, null]);
    await setPlan(tenantId, null);
    expect(headersOf(await submit(key))).toEqual([null, null, null]);
  });

  test("stands in the headers of every submission, and of the 429 at its end; a duplicate is still a 200", async () => {
    const { key, tenantId } = await createPlannedTenant("free");
    const hashes = Array.from({ length: 10 }, randomHash);
    for (const [index, hash] of hashes.entries()) {
      const answer = await submit(key, hash);
      expect([answer.status, ...headersOf(answer)]).toEqual([
        202,
        "10",
        String(index + 1),
        String(9 - index),
      ]);
    }
    const refused = await submit(key);
    expect(refused.status).toBe(429);
    expect(refused.body).toEqual({ error: OVER, message: OVER });
    expect(headersOf(refused)).toEqual(["10", "10", "0"]);
    const repeat = await submit(key, hashes[3]);
    expect([repeat.status, repeat.body.status, ...headersOf(repeat)]).toEqual([
      200,
      "duplicate",
      "10",
      "10",
      "0",
    ]);
    expect((await submitBatch(key, hashes)).body).toMatchObject({ accepted: 0, duplicates: 10 });
    expect(await storedOf(tenantId)).toBe(10);
  });

  test("refuses a batch as a whole that goes over it, and counts no duplicate", async () => {
    const { key, tenantId } = await createPlannedTenant("free");
    const first = Array.from({ length: 8 }, randomHash);
    expect(headersOf(await submitBatch(key, first))).toEqual(["10", "8", "2"]);
    const refused = await submitBatch(key, [first[0]!, randomHash(), randomHash(), randomHash()]);
    expect([refused.status, ...headersOf(refused)]).toEqual([429, "10", "8", "2"]);
    expect(await storedOf(tenantId)).toBe(8);
    const fits = await submitBatch(key, [...first, randomHash(), randomHash()]);
    expect(fits).toMatchObject({ status: 202, body: { accepted: 2, duplicates: 8 } });
    expect(headersOf(fits)).toEqual(["10", "10", "0"]);
  });

  test("is exact, whatever is submitted at once through several processes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 20, maxLength: 60 }),
        fc.integer({ min: 0, max: 3 }),
        async (sizes, duplicates) => {
          const { key, tenantId } = await createPlannedTenant("basic");
          const known = Array.from({ length: duplicates }, randomHash);
          if (known.length > 0) await submitBatch(key, known);
          const answers = await Promise.all(
            sizes.map((size, index) =>
              submitBatch(
                key,
                [...known, ...Array.from({ length: size }, randomHash)],
                index % 2 === 0 ? api.apiUrl : second.url,
              ),
            ),
          );
          const accepted = answers.reduce((sum, { body }) => sum + (body.accepted ?? 0), duplicates);
          expect(await storedOf(tenantId)).toBe(accepted);
          expect(accepted).toBeLessThanOrEqual(57);
          expect((await quota(key)).monthly.used).toBe(accepted);
          // What was refused would not have fitted into what is left now.
          const refused = sizes.filter((_, index) => answers[index]!.status === 429);
          for (const size of refused) expect(accepted + size).toBeGreaterThan(57);
          // One by one, every writer's attempt fills it to the last.
          const rest = await Promise.all(
            Array.from({ length: 70 }, (_, i) => submit(key, randomHash(), i % 2 ? api.apiUrl : second.url)),
          );
          expect(rest.filter(({ status }) => status === 202)).toHaveLength(57 - accepted);
          expect(await storedOf(tenantId)).toBe(57);
        },
      ),
      { numRuns: 8 },
    );
  });

  test("at its end refuses without a try: nothing is inserted and taken back, and duplicates are answered", async () => {
    const { key, tenantId } = await createPlannedTenant("free");
    const hashes = Array.from({ length: 9 }, randomHash);
    await submitBatch(key, hashes);
    const tooMany = () => submitBatch(key, Array.from({ length: 100 }, randomHash));
    expect((await tooMany()).status).toBe(429);
    const size = async () =>
      (
        await api.db.pool.query(
          "SELECT pg_relation_size('app.submissions') + pg_relation_size('app.submissions_pkey') AS size",
        )
      ).rows[0].size;
    const before = await size();
    for (let round = 0; round < 20; round++) {
      const refused = await tooMany();
      expect([refused.status, refused.body.error, ...headersOf(refused)]).toEqual([
        429,
        OVER,
        "10",
        "9",
        "1",
      ]);
    }
    expect(await size()).toBe(before);
    expect(await submitBatch(key, [...hashes, ...hashes])).toMatchObject({
      status: 202,
      body: { accepted: 0, duplicates: 18 },
    });
    const twice = randomHash();
    expect(await submitBatch(key, [twice, ...hashes, twice])).toMatchObject({
      status: 202,
      body: { accepted: 1, duplicates: 10 },
    });
    expect((await submit(key, twice)).status).toBe(200);
    expect((await submit(key)).status).toBe(429);
    expect(await storedOf(tenantId)).toBe(10);
    await setPlan(tenantId, "basic");
    expect(headersOf(await submit(key))).toEqual(["57", "11", "46"]);
  });

  test("at its end still refuses a revoked key as one, and a suspended tenant", async () => {
    const { key, keyId, tenantId } = await createPlannedTenant("free");
    await submitBatch(key, Array.from({ length: 10 }, randomHash));
    expect((await submit(key)).status).toBe(429);
    await api.db.pool.query("UPDATE app.tenants SET status = 'suspended' WHERE id = $1", [tenantId]);
    expect((await submit(key)).status).toBe(403);
    await api.db.pool.query("UPDATE app.tenants SET status = 'active' WHERE id = $1", [tenantId]);
    expect((await submit(key)).status).toBe(429);
    await call(api.apiUrl, "DELETE", `/admin/api-keys/${keyId}`, { key: api.adminKey });
    expect((await submit(key)).status).toBe(401);
  });

  test("does not let a tenant that is at its end disturb the others", async () => {
    const atEnd = await createPlannedTenant("free");
    await submitBatch(atEnd.key, Array.from({ length: 10 }, randomHash));
    const other = await createTenantKey(api);
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => submit(index % 2 === 0 ? atEnd.key : other.key)),
    );
    expect(answers.map(({ status }) => status)).toEqual(
      Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? 429 : 202)),
    );
  });

  test("begins anew with the month, in UTC", async () => {
    const { tenantId, keyId } = await createPlannedTenant("free");
    const submitHashes = createSubmitHashes(api.db, { free: 10, basic: 57, pro: 1_000_000 });
    const { rows } = await api.db.pool.query("SELECT version FROM app.access_version");
    const at = async (time: string, hash: `0x${string}`) =>
      (
        await submitHashes({
          ctx: {
            clock: () => new Date(time),
            caller: {
              tenantId,
              apiKeyId: keyId,
              scopes: ["submit"],
              plan: "free",
              rateLimitPerMinute: 60,
              site: null,
              siteBy: null,
              requireSigning: false,
              requireTimestamp: false,
              accessVersion: rows[0].version,
            },
            requestId: newId(),
            clientAddress: "127.0.0.1",
            call: { action: "hash.submit", resourceType: "hash", resourceId: null, isRecorded: false },
            originSigner: async () => signNothing,
          },
          renewCaller: () => Promise.reject(new Error("nobody's access has changed")),
          chainId: UNREACHABLE_CHAIN_ID,
          hashes: [{ contentHash: hash, externalId: null, metadata: null }],
        })
      ).quota;
    for (let used = 1; used <= 10; used++)
      expect(await at("2026-12-31T23:59:59.999Z", randomHash())).toEqual({ limit: 10, used });
    await expect(at("2026-12-31T23:59:59.999Z", randomHash())).rejects.toMatchObject({ status: 429 });
    expect(await at("2027-01-01T00:00:00.000Z", randomHash())).toEqual({ limit: 10, used: 1 });
    await expect(at("2026-12-31T23:59:59.999Z", randomHash())).rejects.toMatchObject({ status: 429 });
  });

  test("holds from the moment a plan is given, in every process, and no longer than it", async () => {
    const { key, tenantId } = await createPlannedTenant(null);
    expect(headersOf(await submitBatch(key, Array.from({ length: 12 }, randomHash)))).toEqual([
      null,
      null,
      null,
    ]);
    await setPlan(tenantId, "free");
    for (const origin of [api.apiUrl, second.url])
      expect((await submit(key, randomHash(), origin)).status).toBe(429);
    await setPlan(tenantId, "pro");
    for (const origin of [api.apiUrl, second.url])
      expect((await submit(key, randomHash(), origin)).status).toBe(202);
    await setPlan(tenantId, "none");
    expect(headersOf(await submit(key))).toEqual([null, null, null]);
  });
});

describe("HA-6 HA-14 plans are shown and changed", () => {
  test("GET /v1/quota with and without a plan", async () => {
    const { key } = await createPlannedTenant("free");
    await submit(key);
    expect(await quota(key)).toEqual({
      plan: "free",
      monthly: { limit: 10, used: 1, remaining: 9 },
      rateLimit: { limit: 10_000, perMinute: true },
    });
    const unlimited = await createTenantKey(api);
    await submit(unlimited.key);
    expect(await quota(unlimited.key)).toEqual({
      plan: null,
      monthly: { limit: null, used: 1, remaining: null },
      rateLimit: { limit: 10_000, perMinute: true },
    });
  });

  test("PATCH /admin/tenants changes what it names, and a tenant may be made with a plan", async () => {
    const admin = (method: string, path: string, body?: unknown) =>
      call(api.apiUrl, method, path, { key: api.adminKey, body });
    const { body: tenant } = await admin("POST", "/admin/tenants", { name: "Planned", plan: "basic" });
    expect(tenant).toMatchObject({ plan: "basic", status: "active" });
    const path = `/admin/tenants/${tenant.id}`;
    expect(await admin("PATCH", path, { status: "suspended" })).toMatchObject({
      status: 200,
      body: { ...tenant, status: "suspended" },
    });
    expect((await admin("PATCH", path, { plan: null })).body).toEqual({
      ...tenant,
      plan: null,
      status: "suspended",
    });
    for (const body of [{}, { plan: "gold" }, { status: "gone" }, { plan: 7 }])
      expect((await admin("PATCH", path, body)).status).toBe(400);
    for (const id of ["0190aaaa-0000-7000-8000-000000000000", "tenant"])
      expect(await admin("PATCH", `/admin/tenants/${id}`, { plan: "pro" })).toMatchObject({
        status: 404,
        body: { error: "Tenant not found" },
      });
  });

  test("a suspended tenant's anchors stay verifiable by everybody", async () => {
    const { key, tenantId } = await createTenantKey(api);
    const hash = randomHash();
    await submit(key, hash);
    await call(api.apiUrl, "PATCH", `/admin/tenants/${tenantId}`, {
      key: api.adminKey,
      body: { status: "suspended" },
    });
    expect((await submit(key)).status).toBe(403);
    expect((await call(api.apiUrl, "GET", `/v1/hashes/${hash}`, { key })).status).toBe(403);
    expect(await call(api.apiUrl, "GET", `/v1/verify/${hash}`)).toMatchObject({
      status: 200,
      body: { status: "pending" },
    });
  });
});
