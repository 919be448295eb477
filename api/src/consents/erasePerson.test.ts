import { hash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkInvariants } from "#api/pipeline/checkInvariants.ts";
import { disclosureDigest, recordDigest } from "#protocol/consentRecord.ts";
import { rowsHolding, startTestApi, type TestApi, UNREACHABLE_CHAIN_ID } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { logConsent, receiptEvent, recordingTenant } from "#test/support/consents.ts";
import { startPostgresProxy } from "#test/support/postgresProxy.ts";
import { erasePerson } from "./erasePerson.ts";
import type { NewConsent } from "./newConsent.ts";

let api: TestApi;
let key: string;
let tenantId: string;
beforeAll(async () => {
  api = await startTestApi();
  ({ key, tenantId } = await createTenantKey(api, { scopes: ["submit", "query", "manage"] }));
});
afterAll(() => api.stop());

type Erased = { person: string } | { consentToken: string };
const eraseAs = (body: Erased, options: { key?: string; origin?: string } = {}) =>
  call(options.origin ?? api.apiUrl, "POST", "/v1/consents/erasures", { key: options.key ?? key, body });
const erase = (person: string, options?: { key?: string; origin?: string }) => eraseAs({ person }, options);
const view = (token: string, ownKey = key) =>
  call(api.apiUrl, "GET", `/v1/consents/${token}`, { key: ownKey });
const hold = (body: object, ownKey = key) =>
  call(api.apiUrl, "POST", "/v1/consents/holds", { key: ownKey, body });
const release = (id: string, reason = "closed", ownKey = key) =>
  call(api.apiUrl, "POST", `/v1/consents/holds/${id}/release`, { key: ownKey, body: { reason } });

/** Values of one person that stand nowhere else, in records of every surface. */
function personWithRecords() {
  const person = `person-${randomUUID()}`;
  const values = [
    person,
    `agent-${randomUUID()}`,
    `page-${randomUUID()}`,
    `order-${randomUUID()}`,
    `parent-${randomUUID()}`,
  ];
  const personal = {
    userAgent: values[1]!,
    pageUrl: `https://shop.example/${values[2]}`,
    metadata: { order: values[3]! },
    delegate: values[4]!,
    ipAddress: "203.0.113.77",
  };
  const document = logConsent("").document!;
  const records: NewConsent[] = [
    logConsent(person, personal),
    logConsent(person, { ...personal, action: "withdraw" }),
    receiptEvent(person, personal),
    {
      surface: "gate",
      type: "gate",
      action: "grant",
      verification: `ver_${randomUUID()}`,
      subject: person,
      document,
    },
    { surface: "proof", type: "banner", action: "grant", visitor: person, site: "a.example", ...personal },
  ];
  return { person, values, records };
}

/** A record that says much of somebody whom it does not name, and is erased by its token. */
async function recordNamelessly() {
  const agent = `Agent ${randomUUID()}`;
  const { visitor: _, ...record } = logConsent("v", { userAgent: agent, metadata: { order: agent } });
  const [recorded] = await recordingTenant(api.db, tenantId).record([record]);
  return { erased: { consentToken: recorded!.token }, values: [agent], count: 1 };
}

async function recordPerson() {
  const { person, values, records } = personWithRecords();
  await recordingTenant(api.db, tenantId).record(records);
  return { erased: { person }, values, count: records.length };
}

/** Rows and disclosures that hold one of the values. */
async function traces(values: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const value of values) found.push(...(await rowsHolding(api.databaseUrl, value)));
  return found;
}

describe("protocol §7: a person is erased", () => {
  test("on all surfaces, every value and salt is gone from the whole database, and what is left still gives the digests", async () => {
    const { person, values, records } = personWithRecords();
    const tenant = recordingTenant(api.db, tenantId);
    const recorded = await tenant.record(records);
    const [other] = await tenant.record([logConsent("somebody else", { userAgent: "kept" })]);
    const before = await Promise.all(recorded.map(async ({ token }) => (await view(token)).body));
    expect(await traces(values)).not.toEqual([]);

    const erased = await erase(person);
    expect(erased).toMatchObject({ status: 201, body: { erased: records.length } });
    expect(await traces(values)).toEqual([]);

    for (const [i, { token, recordDigest: digest }] of recorded.entries()) {
      const { body } = await view(token);
      expect(body).toMatchObject({
        proofHash: `sha256:${digest}`,
        _sd: before[i]._sd,
        erasedBy: erased.body.consentToken,
        status: "pending",
      });
      expect(recordDigest(body._sd)).toBe(`0x${digest}`);
      const digests = body.disclosures.map((disclosure: string) => disclosureDigest(disclosure));
      expect(body._sd).toEqual(expect.arrayContaining(digests));
      const personal = [
        "subject",
        "visitor",
        "delegate",
        "ip_masked",
        "ip_hash",
        "user_agent",
        "page_url",
        "metadata",
      ];
      const left = Object.entries(before[i].record).filter(([name]) => !personal.includes(name));
      expect(body.record).toEqual(Object.fromEntries(left));
      // Salts of what is gone are gone too.
      const kept = before[i].disclosures.slice(0, left.length);
      expect(body.disclosures).toEqual(kept);
    }
    expect((await view(other!.token)).body).toMatchObject({
      erasedBy: null,
      record: { visitor: "somebody else", user_agent: "kept" },
    });
    expect(await checkInvariants(api.db, { verifySignatures: "none" })).toEqual([]);
  });

  test("the erasure itself is recorded, submitted, counted, audited and listed, and names nobody", async () => {
    const { person, records } = personWithRecords();
    const [first] = await recordingTenant(api.db, tenantId).record(records.slice(0, 1));
    const { body } = await erase(person);
    const own = await view(body.consentToken);
    expect(own.body).toMatchObject({
      proofHash: body.proofHash,
      createdAt: body.createdAt,
      record: { type: "erasure", action: "none", erased: { records: 1, digests_sha256: expect.any(String) } },
    });
    const listed = hash("sha256", first!.recordDigest);
    expect(own.body.record.erased.digests_sha256).toBe(listed);
    const submitted = await call(api.apiUrl, "GET", `/v1/hashes/0x${body.proofHash.slice(7)}`, { key });
    expect(submitted).toMatchObject({ status: 200, body: { status: "pending" } });
    const list = await call(api.apiUrl, "GET", "/v1/consents/erasures?limit=1", { key });
    expect(list.body.data).toEqual([body]);
    const { rows } = await api.db.pool.query(
      "SELECT resource_id, status_code FROM app.audit_logs WHERE tenant_id = $1 AND action = 'consent.erase' ORDER BY request_id DESC LIMIT 1",
      [tenantId],
    );
    expect(rows).toEqual([{ resource_id: body.consentToken, status_code: 201 }]);
  });

  test("a repeat finds nothing and says so, and changes nothing", async () => {
    const { person, records } = personWithRecords();
    const recorded = await recordingTenant(api.db, tenantId).record(records);
    await erase(person);
    const after = await Promise.all(recorded.map(async ({ token }) => (await view(token)).body));
    expect(await erase(person)).toMatchObject({ status: 201, body: { erased: 0 } });
    expect(await Promise.all(recorded.map(async ({ token }) => (await view(token)).body))).toEqual(after);
  });

  test("another tenant's person of the same name stays", async () => {
    const { person, values, records } = personWithRecords();
    const other = await createTenantKey(api, { scopes: ["query", "manage"] });
    const [kept] = await recordingTenant(api.db, other.tenantId).record(records);
    await erase(person);
    expect((await view(kept!.token, other.key)).body).toMatchObject({ erasedBy: null });
    expect((await view(kept!.token)).status).toBe(404);
    expect(await traces(values)).not.toEqual([]);
  });

  test("of whom a record says much and names nobody, by the record's token, and not where it names somebody", async () => {
    const agent = `Agent ${randomUUID()}`;
    const { visitor: _, ...nobodys } = logConsent("v", { userAgent: agent, metadata: { order: agent } });
    const tenant = recordingTenant(api.db, tenantId);
    const [record, named] = await tenant.record([nobodys, logConsent("v")]);
    const eraseOne = (consentToken: string, by = key) =>
      call(api.apiUrl, "POST", "/v1/consents/erasures", { key: by, body: { consentToken } });

    const stranger = await createTenantKey(api, { scopes: ["manage"] });
    expect((await eraseOne(record!.token, stranger.key)).status).toBe(404);
    expect(await eraseOne(named!.token)).toMatchObject({
      status: 409,
      body: { error: "The consent names a person: erase the person" },
    });
    expect(await traces([agent])).not.toEqual([]);

    const erased = await eraseOne(record!.token);
    expect(erased).toMatchObject({ status: 201, body: { erased: 1 } });
    expect(await traces([agent])).toEqual([]);
    const { body } = await view(record!.token);
    expect(body).toMatchObject({
      erasedBy: erased.body.consentToken,
      proofHash: `sha256:${record!.recordDigest}`,
    });
    expect(recordDigest(body._sd)).toBe(`0x${record!.recordDigest}`);
    expect(await eraseOne(record!.token)).toMatchObject({ status: 201, body: { erased: 0 } });
    expect((await eraseOne(erased.body.consentToken)).status).toBe(404);
    expect(await checkInvariants(api.db, { verifySignatures: "none" })).toEqual([]);
  });

  test("not where a hold stands on the one record", async () => {
    const { visitor: _, ...nobodys } = logConsent("v", { userAgent: "Agent" });
    const [record] = await recordingTenant(api.db, tenantId).record([nobodys]);
    const consentToken = record!.token;
    const post = (path: string, body: object) => call(api.apiUrl, "POST", path, { key, body });
    const hold = await post("/v1/consents/holds", { consentToken, reason: "A case" });
    expect(await post("/v1/consents/erasures", { consentToken })).toMatchObject({
      status: 409,
      body: { error: "Under legal hold", reason: "A case" },
    });
    expect((await post(`/v1/consents/holds/${hold.body.id}/release`, { reason: "Over" })).status).toBe(200);
    expect((await post("/v1/consents/erasures", { consentToken })).body).toMatchObject({ erased: 1 });
  });

  test("who consents again afterwards begins a new thread, and a withdrawal of what was erased is refused", async () => {
    const { person, records } = personWithRecords();
    const tenant = recordingTenant(api.db, tenantId);
    const [first] = await tenant.record(records.slice(0, 1));
    await erase(person);
    // As a withdrawal that had read the record just before it was erased.
    const late = logConsent(person, { action: "withdraw", previousDigest: first!.recordDigest });
    await expect(tenant.record([late])).rejects.toMatchObject({ status: 409 });
    const [again] = await tenant.record(records.slice(0, 1));
    expect(Object.keys((await view(again!.token)).body.record)).not.toContain("previous");
    expect(await checkInvariants(api.db, { verifySignatures: "none" })).toEqual([]);
  });

  test("more records than one statement takes are all erased", async () => {
    const person = `person-${randomUUID()}`;
    const tenant = recordingTenant(api.db, tenantId);
    for (let i = 0; i < 3; i++) await tenant.record(Array.from({ length: 700 }, () => logConsent(person)));
    expect(await erase(person)).toMatchObject({ body: { erased: 2_100 } });
    expect(await traces([person])).toEqual([]);
  });

  test("a tenant at the end of its plan may erase all the same", async () => {
    const poor = await createTenantKey(api, { scopes: ["manage"] });
    const tenant = recordingTenant(api.db, poor.tenantId);
    await tenant.record(Array.from({ length: 100 }, (_, i) => logConsent(i === 0 ? "v" : "w")));
    await call(api.apiUrl, "PATCH", `/admin/tenants/${poor.tenantId}`, {
      key: api.adminKey,
      body: { plan: "free" },
    });
    expect(await erase("v", { key: poor.key })).toMatchObject({ status: 201, body: { erased: 1 } });
  });

  test("while others record and erase the same person no thread forks and nothing stays half", async () => {
    const person = `person-${randomUUID()}`;
    const tenants = [1, 2].map(() => recordingTenant(api.db, tenantId));
    const recording = Array.from({ length: 60 }, (_, i) => tenants[i % 2]!.record([logConsent(person)]));
    const erasing = Array.from({ length: 6 }, async () =>
      erasePerson({
        ctx: await tenants[0]!.ctx("consent.erase"),
        input: { person, chainId: UNREACHABLE_CHAIN_ID },
      }),
    );
    await Promise.all([...recording, ...erasing]);
    expect(await checkInvariants(api.db, { verifySignatures: "none" })).toEqual([]);
    await erase(person);
    expect(await traces([person])).toEqual([]);
  });

  test.each([
    ["a person", "before it is stored", false, recordPerson],
    ["a person", "with the answer lost", true, recordPerson],
    ["one record", "before it is stored", false, recordNamelessly],
    ["one record", "with the answer lost", true, recordNamelessly],
  ])(
    "%s, and the API killed at each write, %s: nothing is erased or everything, and the repeat ends it",
    async (_what, _when, stored, record) => {
      const proxy = await startPostgresProxy({ databaseUrl: api.databaseUrl });
      let victim = await api.startApi({ DATABASE_URL: proxy.url });
      try {
        for (let nth = 1; ; nth++) {
          const { erased, values, count } = await record();
          const before = (await traces(values)).length;
          const fault = proxy.addFault({ nth, stored, meanwhile: () => victim.process.kill9() });
          const answer = await eraseAs(erased, { origin: victim.url }).catch(() => null);
          if (fault.remove()) {
            expect(answer).toMatchObject({ status: 201 });
            break;
          }
          await fault.done;
          const left = (await traces(values)).length;
          expect({ nth, left: [0, before].includes(left) }).toEqual({ nth, left: true });
          victim = await api.startApi({ DATABASE_URL: proxy.url });
          expect(await eraseAs(erased, { origin: victim.url })).toMatchObject({
            status: 201,
            body: { erased: left === 0 ? 0 : count },
          });
          expect(await traces(values)).toEqual([]);
        }
        expect(await checkInvariants(api.db, { verifySignatures: "none" })).toEqual([]);
      } finally {
        await proxy.stop();
      }
    },
    180_000,
  );

  test.each([
    ["an empty one", { person: "" }, "person"],
    ["one that is no text", { person: 7 }, "person"],
    ["one that is too long", { person: "x".repeat(2_049) }, "person"],
  ])("%s is a 400 that names the member", async (_what, body, member) => {
    const answer = await call(api.apiUrl, "POST", "/v1/consents/erasures", { key, body });
    expect(answer).toMatchObject({ status: 400, body: { member } });
  });

  test.each([
    ["neither", {}],
    ["both", { person: "v", consentToken: `ct_${"0".repeat(32)}` }],
  ])("a 400 says that a person or a consent is to be named, not %s", async (_what, body) => {
    const { status, body: answer } = await call(api.apiUrl, "POST", "/v1/consents/erasures", { key, body });
    expect([status, answer.error]).toEqual([
      400,
      "Invalid request body: must name either a person or a consentToken",
    ]);
  });

  test("a key without the scope manage cannot", async () => {
    const { key: weak } = await createTenantKey(api, { scopes: ["submit", "query"] });
    expect((await erase("v", { key: weak })).status).toBe(403);
    expect((await hold({ person: "v", reason: "r" }, weak)).status).toBe(403);
  });
});

describe("protocol §7: a legal hold", () => {
  test("on a person refuses the erasure with its reason until it is released, and nothing is erased meanwhile", async () => {
    const { person, values, records } = personWithRecords();
    await recordingTenant(api.db, tenantId).record(records);
    const placed = await hold({ person, reason: "Case 12 O 345/26" });
    expect(placed).toMatchObject({ status: 201, body: { consentToken: null, releasedAt: null } });
    expect(await erase(person)).toMatchObject({
      status: 409,
      body: { error: "Under legal hold", reason: "Case 12 O 345/26" },
    });
    expect((await traces(values)).length).toBeGreaterThanOrEqual(records.length);
    expect(await release(placed.body.id)).toMatchObject({ status: 200, body: { releaseReason: "closed" } });
    expect(await erase(person)).toMatchObject({ status: 201, body: { erased: records.length } });
  });

  test("on one record refuses the erasure of its person", async () => {
    const { person, records } = personWithRecords();
    const recorded = await recordingTenant(api.db, tenantId).record(records);
    const placed = await hold({ consentToken: recorded[2]!.token, reason: "evidence" });
    expect(await erase(person)).toMatchObject({ status: 409, body: { reason: "evidence" } });
    await release(placed.body.id);
    expect(await erase(person)).toMatchObject({ status: 201 });
  });

  test("of several, each must be released", async () => {
    const { person, records } = personWithRecords();
    await recordingTenant(api.db, tenantId).record(records);
    const [one, two] = [await hold({ person, reason: "one" }), await hold({ person, reason: "two" })];
    expect(await erase(person)).toMatchObject({ status: 409, body: { reason: "one" } });
    await release(one.body.id);
    expect(await erase(person)).toMatchObject({ status: 409, body: { reason: "two" } });
    await release(two.body.id);
    expect(await erase(person)).toMatchObject({ status: 201 });
  });

  test("that is over goes with the person, its reason too", async () => {
    const { person, records } = personWithRecords();
    await recordingTenant(api.db, tenantId).record(records);
    const placed = await hold({ person, reason: `for ${person}` });
    await release(placed.body.id, `${person} agreed`);
    await erase(person);
    expect(await rowsHolding(api.databaseUrl, person)).toEqual([]);
    const list = await call(api.apiUrl, "GET", "/v1/consents/holds", { key });
    expect(list.body.data.map(({ id }: { id: string }) => id)).not.toContain(placed.body.id);
  });

  test("is released once, with a reason, by its own tenant", async () => {
    const placed = await hold({ person: "p", reason: "r" });
    const other = await createTenantKey(api, { scopes: ["manage"] });
    expect((await release(placed.body.id, "mine", other.key)).status).toBe(404);
    expect((await release(placed.body.id, "")).status).toBe(400);
    expect((await release(placed.body.id)).status).toBe(200);
    expect((await release(placed.body.id)).status).toBe(409);
    expect((await release("nothing")).status).toBe(404);
    expect((await release(randomUUID())).status).toBe(404);
  });

  test("names a person or a consent of the tenant, and why", async () => {
    const other = await createTenantKey(api, { scopes: ["manage"] });
    const [theirs] = await recordingTenant(api.db, other.tenantId).record([logConsent("v")]);
    expect((await hold({ consentToken: theirs!.token, reason: "r" })).status).toBe(404);
    for (const body of [
      { person: "p" },
      { reason: "r" },
      { person: "p", consentToken: theirs!.token, reason: "r" },
      { consentToken: "ct_1", reason: "r" },
      { person: "p", reason: "x".repeat(1_001) },
    ])
      expect((await hold(body)).status).toBe(400);
  });
});
