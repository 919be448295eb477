import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkInvariants } from "#api/pipeline/checkInvariants.ts";
import { disclosureDigest, type Json, recordDigest } from "#protocol/consentRecord.ts";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { logConsent, receiptEvent, recordDeps, recordingTenant } from "#test/support/consents.ts";
import { findConsentByToken } from "./findConsent.ts";
import type { NewConsent, RecordedConsent } from "./newConsent.ts";
import { createRecordConsents } from "./recordConsents.ts";
import { openRecord } from "./sealRecord.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const newTenant = (options: Parameters<typeof recordingTenant>[2] = {}) =>
  recordingTenant(api.db, randomUUID(), options);

async function fieldsOf(tenantId: string, { token }: RecordedConsent): Promise<Record<string, Json>> {
  const stored = await findConsentByToken(api.db, tenantId, token);
  return Object.fromEntries(openRecord(stored!).fields.map(({ name, value }) => [name, value]));
}

async function threadsOf(tenantId: string) {
  const { rows } = await api.db.pool.query<{
    id: string;
    position: number;
    digest: string;
    previous: string | null;
    thread: string;
  }>(
    `SELECT id, thread_position AS position, encode(record_digest, 'hex') AS digest, encode(previous_digest, 'hex') AS previous,
            encode(thread_digest, 'hex') AS thread
     FROM app.consents WHERE tenant_id = $1 ORDER BY thread, position`,
    [tenantId],
  );
  return rows;
}

describe("protocol §7, HE-4: a consent is recorded", () => {
  const full: NewConsent = logConsent("visitor-1", {
    decision: "custom",
    delegate: "parent-1",
    categories: { necessary: true, analytics: false },
    gpc: { detected: true, honored: false },
    tcfString: "CP garbage",
    acString: "2~1.2",
    gppString: "DBA",
    flags: ["tcf_not_decodable"],
    ipAddress: "203.0.113.77",
    userAgent: "Mozilla/5.0 (Zażółć)",
    pageUrl: "https://shop.example/kasse?ü=1#x",
    metadata: { order: { id: "ORD-1", sum: 12.5, items: [1, null, true] } },
    language: "sr-Cyrl",
    bannerMode: "opt_in",
    consentedAt: new Date("2026-01-02T03:04:05.678Z"),
    expiresAt: new Date("2027-01-02T03:04:05.678Z"),
  });

  test("with every field that was given, an address only as mask and keyed hash, and raw strings as they were", async () => {
    const { tenantId, record } = newTenant({ clock: () => new Date("2026-03-04T05:06:07.089Z") });
    const [recorded] = await record([full]);
    expect(await fieldsOf(tenantId, recorded!)).toEqual({
      type: "document_approval",
      action: "grant",
      decision: "custom",
      site: "shop.example",
      document: { language: "en", slug: "terms", version: "3", version_id: full.document!.versionId },
      text_sha256: full.document!.textSha256,
      categories: full.categories,
      jurisdiction: "de",
      framework: "gdpr",
      gpc: full.gpc,
      tcf_string: "CP garbage",
      ac_string: "2~1.2",
      gpp_string: "DBA",
      flags: ["tcf_not_decodable"],
      language: "sr-Cyrl",
      banner_mode: "opt_in",
      consented_at: "2026-01-02T03:04:05.678Z",
      expires: "2027-01-02T03:04:05.678Z",
      created: "2026-03-04T05:06:07.089Z",
      visitor: "visitor-1",
      delegate: "parent-1",
      ip_masked: "203.0.113.0",
      ip_hash: expect.stringMatching(/^[0-9a-f]{8}:[0-9a-f]{64}$/),
      user_agent: full.userAgent,
      page_url: full.pageUrl,
      metadata: full.metadata,
    });
  });

  test("the address's keyed hash is the same for the same address and tenant alone", async () => {
    const [one, two] = [newTenant(), newTenant()];
    const hashOf = async (tenant: typeof one, ipAddress: string) => {
      const [recorded] = await tenant.record([logConsent("v", { ipAddress })]);
      return (await fieldsOf(tenant.tenantId, recorded!)).ip_hash;
    };
    const first = await hashOf(one, "2001:db8::1");
    expect(await hashOf(one, "2001:0DB8:0:0::1")).toBe(first);
    expect(await hashOf(one, "2001:db8::2")).not.toBe(first);
    expect(await hashOf(two, "2001:db8::1")).not.toBe(first);
  });

  test("without a secret only the mask is kept, and an absent address is absent", async () => {
    const verb = createRecordConsents({ ...recordDeps(api.db), secretBox: null });
    const { tenantId, record } = newTenant({ verb });
    const [masked] = await record([logConsent("v", { ipAddress: "198.51.100.9" })]);
    const [absent] = await record([logConsent("v")]);
    expect(await fieldsOf(tenantId, masked!)).toMatchObject({ ip_masked: "198.51.100.0" });
    expect(Object.keys(await fieldsOf(tenantId, masked!))).not.toContain("ip_hash");
    expect(Object.keys(await fieldsOf(tenantId, absent!))).not.toContain("ip_masked");
  });

  test("the record digest follows from the disclosures, and each has a salt of its own of 128 bits", async () => {
    const { tenantId, record } = newTenant();
    const recorded = await record([full, full]);
    const salts: string[] = [];
    for (const one of recorded) {
      const stored = await findConsentByToken(api.db, tenantId, one.token);
      const { disclosures, sd, fields } = openRecord(stored!);
      expect(recordDigest(disclosures.map((disclosure) => disclosureDigest(disclosure)))).toBe(
        `0x${one.recordDigest}`,
      );
      expect(sd).toEqual(disclosures.map((disclosure) => disclosureDigest(disclosure)).sort());
      salts.push(...fields.map(({ salt }) => salt));
    }
    expect(new Set(salts).size).toBe(salts.length);
    expect(salts.every((salt) => Buffer.from(salt, "base64url").length === 16)).toBe(true);
  });

  test("the digest is submitted in the same transaction, under the consent's id, counted and audited", async () => {
    const { tenantId, record } = newTenant();
    const [recorded] = await record([full]);
    await record([logConsent("visitor-2"), logConsent("visitor-3")]);
    const submissions = await api.db.pool.query(
      "SELECT id, encode(content_hash, 'hex') AS digest FROM app.submissions WHERE tenant_id = $1 ORDER BY id",
      [tenantId],
    );
    expect(submissions.rows[0]).toEqual({ id: recorded!.id, digest: recorded!.recordDigest });
    expect(submissions.rows).toHaveLength(3);
    const months = await api.db.pool.query("SELECT hashes FROM app.monthly_hashes WHERE tenant_id = $1", [
      tenantId,
    ]);
    expect(months.rows).toEqual([{ hashes: 3 }]);
    const audits = await api.db.pool.query(
      "SELECT action, resource_id, status_code FROM app.audit_logs WHERE tenant_id = $1 ORDER BY request_id",
      [tenantId],
    );
    expect(audits.rows).toEqual([
      { action: "consent.record", resource_id: recorded!.token, status_code: 201 },
      { action: "consent.record", resource_id: null, status_code: 201 },
    ]);
    expect(await checkInvariants(api.db, { verifySignatures: "none" })).toEqual([]);
  });

  test("another tenant's consent is not there", async () => {
    const { record, tenantId } = newTenant();
    const [recorded] = await record([full]);
    expect(await findConsentByToken(api.db, randomUUID(), recorded!.token)).toBeNull();
    expect(await findConsentByToken(api.db, tenantId, "ct_nothing")).toBeNull();
  });

  test("over the plan nothing of a call is recorded, and others in the same moment are", async () => {
    const verb = createRecordConsents({ ...recordDeps(api.db), planLimits: { free: 2, basic: 2, pro: 2 } });
    const poor = newTenant({ plan: "free", verb });
    const rich = newTenant({ verb });
    const outcomes = await Promise.allSettled([
      poor.record([logConsent("a"), logConsent("b"), logConsent("c")]),
      rich.record([logConsent("a")]),
      poor.record([logConsent("d"), logConsent("e")]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(outcomes[0]).toMatchObject({ reason: { name: "QuotaExceededError", status: 429 } });
    expect(await threadsOf(poor.tenantId)).toHaveLength(2);
  });

  test("for a caller whose access has ended nothing is recorded; one whose access was renewed goes on", async () => {
    const { tenantId, call, ctx } = newTenant();
    const context = await ctx();
    const old = { ...context, caller: { ...context.caller, accessVersion: randomUUID() } };
    const refused = call([full], {
      ctx: old,
      renewCaller: () => Promise.reject(new Error("revoked")),
    });
    await expect(refused).rejects.toThrow("revoked");
    expect(await threadsOf(tenantId)).toEqual([]);
    const { recorded } = await call([full], { ctx: old, renewCaller: async () => context.caller });
    expect(recorded).toHaveLength(1);
  });
});

describe("protocol §7: threads", () => {
  test("each surface continues its own, by its own parts", async () => {
    const { tenantId, record } = newTenant();
    const one = logConsent("p");
    const event = receiptEvent("p");
    const gate: NewConsent = { surface: "gate", type: "gate", action: "grant", verification: "ver_1" };
    const gated = { ...gate, document: one.document! };
    const proof: NewConsent = {
      surface: "proof",
      type: "banner",
      action: "grant",
      visitor: "p",
      site: "a.example",
    };
    const variants: NewConsent[] = [
      one,
      { ...one, visitor: "q" },
      { ...one, site: "other.example" },
      { ...one, type: "other" },
      { ...one, document: { ...one.document!, slug: "other" } },
      event,
      { ...event, subject: "q" },
      { ...event, issuer: "other" },
      { ...event, target: "other" },
      { ...event, scope: "other" },
      gated,
      { ...gated, verification: "ver_2" },
      { ...gated, document: { ...gated.document, slug: "other" } },
      proof,
      { ...proof, visitor: "q" },
      { ...proof, site: "b.example" },
    ];
    await record(variants);
    // What is no part of the thread does not begin another.
    await record(variants.map((consent) => ({ ...consent, language: "de", action: "withdraw" as const })));
    const threads = await threadsOf(tenantId);
    expect(new Set(threads.map(({ thread }) => thread)).size).toBe(variants.length);
    expect(threads.map(({ position }) => position)).toEqual(variants.flatMap(() => [1, 2]));
    for (let i = 0; i < threads.length; i += 2) {
      expect(threads[i]!.previous).toBeNull();
      expect(threads[i + 1]!.previous).toBe(threads[i]!.digest);
    }
  });

  test("a consent log entry without a visitor stands alone", async () => {
    const { tenantId, record } = newTenant();
    const { visitor: _, ...anonymous } = logConsent("");
    await record([anonymous, anonymous]);
    expect((await threadsOf(tenantId)).map(({ position, previous }) => ({ position, previous }))).toEqual([
      { position: null, previous: null },
      { position: null, previous: null },
    ]);
  });

  test("`previous` is disclosed, and time does not go back in a thread whatever the clocks say", async () => {
    let now = new Date("2026-05-05T05:05:05.500Z");
    const { tenantId, record } = newTenant({ clock: () => now });
    const [first] = await record([logConsent("v")]);
    now = new Date("2026-05-05T05:05:05.100Z");
    const [second] = await record([logConsent("v", { action: "withdraw" })]);
    expect(await fieldsOf(tenantId, second!)).toMatchObject({
      previous: `sha256:${first!.recordDigest}`,
      created: "2026-05-05T05:05:05.500Z",
    });
    expect(second!.createdAt).toEqual(first!.createdAt);
  });

  test("SG-1 false is a decline, and after a grant that stands a withdrawal; null changes nothing", async () => {
    const { record } = newTenant();
    const actions = ["decline", "grant", "none", "decline", "decline", "none", "grant", "decline"] as const;
    const recorded = await record(actions.map((action) => receiptEvent("s", { action })));
    expect(recorded.map(({ action }) => action)).toEqual([
      "decline",
      "grant",
      "none",
      "withdraw",
      "decline",
      "none",
      "grant",
      "withdraw",
    ]);
  });

  test("of equal times the last appended has the highest number, within a call and over calls", async () => {
    const clock = () => new Date("2026-05-05T05:05:05.500Z");
    const { tenantId, record } = newTenant({ clock });
    const ids: string[] = [];
    for (const call of [["c", "a", "b"], ["a", "c"], ["b"]])
      ids.push(...(await record(call.map((scope) => receiptEvent("s", { scope })))).map(({ id }) => id));
    const { rows } = await api.db.pool.query(
      "SELECT id FROM app.consents WHERE tenant_id = $1 ORDER BY seq",
      [tenantId],
    );
    expect(rows.map(({ id }) => id)).toEqual(ids);
  });

  test("whatever comes together, over several processes' worth of connections, no thread forks", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 6 }), {
          minLength: 2,
          maxLength: 24,
        }),
        async (calls) => {
          // Two verbs know nothing of one another, as in two processes.
          const tenantId = randomUUID();
          const [one, two] = [1, 2].map(() => recordingTenant(api.db, tenantId));
          const recorded = await Promise.all(
            calls.map((visitors, i) =>
              (i % 2 === 0 ? one! : two!).record(visitors.map((visitor) => logConsent(`v${visitor}`))),
            ),
          );
          const threads = await threadsOf(tenantId);
          expect(threads).toHaveLength(calls.flat().length);
          expect(new Set(recorded.flat().map(({ id }) => id))).toEqual(new Set(threads.map(({ id }) => id)));
          for (const [i, { position, previous }] of threads.entries()) {
            const before = position === 1 ? null : threads[i - 1]!;
            expect({ position, previous }).toEqual({
              position: (before?.position ?? 0) + 1,
              previous: before?.digest ?? null,
            });
          }
        },
      ),
      { numRuns: 15 },
    );
    expect(await checkInvariants(api.db, { verifySignatures: "none" })).toEqual([]);
  }, 120_000);
});

describe("HE-8, PA-4: what is sent again", () => {
  const idempotency = (key: string, body: string) => ({
    key,
    requestSha256: Buffer.alloc(32, body),
    answerOf: (recorded: RecordedConsent[]) => JSON.stringify(recorded.map(({ token }) => token)),
  });

  test("the same key and request is answered again, and recorded once, also when many come at once", async () => {
    const tenantId = randomUUID();
    const tenants = [1, 2].map(() => recordingTenant(api.db, tenantId));
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        tenants[i % 2]!.call([logConsent("v")], { idempotency: idempotency("key-1", "a") }),
      ),
    );
    expect(await threadsOf(tenantId)).toHaveLength(1);
    const first = outcomes.filter(({ replayed }) => replayed === null);
    expect(first).toHaveLength(1);
    const answer = JSON.stringify([first[0]!.recorded[0]!.token]);
    for (const { replayed, recorded } of outcomes) {
      if (replayed === null) continue;
      expect({ replayed, recorded }).toEqual({ replayed: answer, recorded: [] });
    }
  });

  test("the same key with another request is a 409, and another tenant's key is another key", async () => {
    const [one, two] = [newTenant(), newTenant()];
    await one.call([logConsent("v")], { idempotency: idempotency("key-1", "a") });
    await expect(
      one.call([logConsent("v")], { idempotency: idempotency("key-1", "b") }),
    ).rejects.toMatchObject({ name: "IdempotencyConflictError", status: 409 });
    expect(await two.call([logConsent("v")], { idempotency: idempotency("key-1", "b") })).toMatchObject({
      replayed: null,
    });
    expect(await threadsOf(one.tenantId)).toHaveLength(1);
  });

  test("a key is kept for 24 hours, and then begins anew", async () => {
    let now = new Date("2026-01-01T00:00:00.000Z");
    const { tenantId, call } = newTenant({ clock: () => now });
    const send = () => call([logConsent("v")], { idempotency: idempotency("key-1", "a") });
    await send();
    now = new Date("2026-01-01T23:59:59.999Z");
    expect(await send()).toMatchObject({ replayed: expect.any(String) });
    now = new Date("2026-01-02T00:00:00.000Z");
    expect(await send()).toMatchObject({ replayed: null });
    expect(await threadsOf(tenantId)).toHaveLength(2);
  });

  test("a key can stand for a call that recorded nothing", async () => {
    const { call } = newTenant();
    const nothing = { ...idempotency("key-1", "a"), answerOf: () => "all of it was bad" };
    expect(await call([], { idempotency: nothing })).toEqual({ recorded: [], replayed: null });
    expect(await call([], { idempotency: nothing })).toMatchObject({ replayed: "all of it was bad" });
  });
});
