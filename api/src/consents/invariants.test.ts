import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkInvariants } from "#api/pipeline/checkInvariants.ts";
import type { InvariantKind } from "#api/pipeline/invariants/violation.ts";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { logConsent, recordingTenant } from "#test/support/consents.ts";
import { erasePerson } from "./erasePerson.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const kindsFound = async (digest: string) => {
  const violations = await checkInvariants(api.db, { verifySignatures: "none" });
  const kinds = violations.filter(({ contentHash }) => contentHash === `0x${digest}`).map(({ kind }) => kind);
  return [...new Set(kinds)].sort();
};

test("protocol §7: the invariant check finds nothing in withdrawals of what stands in no thread", async () => {
  const tenant = recordingTenant(api.db, randomUUID());
  const { visitor: _, ...nobodys } = logConsent("v");
  const [first] = await tenant.record([nobodys]);
  const withdrawal = { ...nobodys, action: "withdraw", previousDigest: first!.recordDigest } as const;
  const withdrawn = await tenant.record([withdrawal, withdrawal]);
  for (const { recordDigest } of [first!, ...withdrawn]) expect(await kindsFound(recordDigest)).toEqual([]);
});

describe("protocol §7: the invariant check finds", () => {
  const corruptions: [InvariantKind, what: string, sql: string][] = [
    ["consentUnsubmitted", "a lost submission", "DELETE FROM app.submissions WHERE id = $1"],
    [
      "consentUnsubmitted",
      "another's submission",
      "UPDATE app.submissions SET id = gen_random_uuid() WHERE id = $1",
    ],
    [
      "recordDigestWrong",
      "a lost disclosure",
      "UPDATE app.consents SET lasting = split_part(lasting, '~', 1) WHERE id = $1",
    ],
    [
      "recordDigestWrong",
      "a disclosure that is none",
      "UPDATE app.consents SET lasting = 'x~' || lasting WHERE id = $1",
    ],
    ["recordDigestWrong", "lost personal values", "UPDATE app.consents SET personal = NULL WHERE id = $1"],
    ["threadBroken", "another place", "UPDATE app.consents SET thread_position = 7 WHERE id = $1"],
    [
      "threadBroken",
      "another thread",
      "UPDATE app.consents SET thread_digest = sha256(thread_digest) WHERE id = $1",
    ],
    ["threadBroken", "no record before", "UPDATE app.consents SET previous_digest = NULL WHERE id = $1"],
    ["threadBroken", "an earlier number", "UPDATE app.consents SET seq = 0 WHERE id = $1"],
    [
      "threadBroken",
      "the one before the one before",
      `UPDATE app.consents c SET previous_digest = p.previous_digest FROM app.consents p
       WHERE c.id = $1 AND p.tenant_id = c.tenant_id AND p.record_digest = c.previous_digest`,
    ],
  ];

  test.each(corruptions)("%s: %s", async (kind, _what, sql) => {
    const tenant = recordingTenant(api.db, randomUUID());
    const [, , third] = await tenant.record([1, 2, 3].map(() => logConsent("v")));
    expect(await kindsFound(third!.recordDigest)).toEqual([]);
    await api.db.pool.query(sql, [third!.id]);
    expect(await kindsFound(third!.recordDigest)).toContain(kind);
  });

  test("a fork, also of what was erased", async () => {
    const tenant = recordingTenant(api.db, randomUUID());
    const [first, second, third] = await tenant.record([1, 2, 3].map(() => logConsent("v")));
    const ctx = await tenant.ctx("consent.erase");
    await erasePerson({ ctx, input: { person: "v", chainId: 31337 } });
    expect(await kindsFound(first!.recordDigest)).toEqual([]);
    await api.db.pool.query("UPDATE app.consents SET previous_digest = $2 WHERE id = $1", [
      third!.id,
      Buffer.from(first!.recordDigest, "hex"),
    ]);
    expect(await kindsFound(first!.recordDigest)).toContain("threadBroken");
    expect(await kindsFound(second!.recordDigest)).toEqual([]);
  });
});

test("protocol §7 two API processes that record for the same visitors at once make no fork", async () => {
  const other = await api.startApi();
  const { key, tenantId } = await createTenantKey(api);
  const answers = await Promise.all(
    Array.from({ length: 120 }, (_, i) =>
      call(i % 2 === 0 ? api.apiUrl : other.url, "POST", "/tool/v1/consents", {
        key,
        body: { consent_type: "cookie_consent", decision: "accept", visitor_id: `v${i % 3}` },
      }),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  const { rows } = await api.db.pool.query(
    `SELECT encode(thread_digest, 'hex') AS thread, thread_position AS position, encode(record_digest, 'hex') AS digest,
            encode(previous_digest, 'hex') AS previous
     FROM app.consents WHERE tenant_id = $1 ORDER BY thread, position`,
    [tenantId],
  );
  expect(rows).toHaveLength(120);
  for (const [i, { position, previous }] of rows.entries())
    expect({ position, previous }).toEqual({
      position: (i % 40) + 1,
      previous: i % 40 === 0 ? null : rows[i - 1].digest,
    });
});
