import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi, UNREACHABLE_CHAIN_ID } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { startPostgresProxy } from "#test/support/postgresProxy.ts";
import { until } from "#test/support/until.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let api: TestApi;
let key: string;
let tenantId: string;
let keyId: string;

beforeAll(async () => {
  api = await startTestApi();
  ({ key, tenantId, keyId } = await createTenantKey(api, { scopes: ["submit"] }));
});
afterAll(() => api.stop());

const submit = (body: unknown, options: { key?: string; origin?: string } = {}) =>
  call(options.origin ?? api.apiUrl, "POST", "/v1/hashes", { key: options.key ?? key, body });
const submitBatch = (hashes: unknown, more: object = {}) =>
  call(api.apiUrl, "POST", "/v1/hashes/batch", { key, body: { hashes, ...more } });

async function rowsOf(...hashes: string[]) {
  const { rows } = await api.db.pool.query(
    "SELECT id, tenant_id, external_id, metadata, chain_id FROM app.submissions WHERE content_hash = ANY($1::bytea[])",
    [hashes.map((hash) => Buffer.from(hash.slice(2), "hex"))],
  );
  return rows;
}

test("HA-2 a small submission does not wait behind large ones, and all are stored", async () => {
  const note = "\\\\".repeat(250_000); // a megabyte as JSON
  const answeredInOrder: string[] = [];
  const send = (size: "large" | "small") =>
    submit({ hash: randomHash(), ...(size === "large" ? { metadata: { note } } : {}) }).then(({ status }) => {
      answeredInOrder.push(size);
      return status;
    });
  const large = Array.from({ length: 24 }, () => send("large"));
  await Promise.race(large);
  const small = send("small");
  expect(new Set(await Promise.all([...large, small]))).toEqual(new Set([202]));
  expect(answeredInOrder.at(-1)).toBe("large");
});

describe("HA-2 a hash is submitted", () => {
  test("a new hash is a 202, its repeat a 200 with the same id, in any case and always in lower case", async () => {
    const hash = randomHash();
    const accepted = await submit({ hash: `0x${hash.slice(2).toUpperCase()}`, externalId: "invoice-1" });
    expect(accepted.status).toBe(202);
    expect(accepted.body).toMatchObject({ status: "accepted", hash, id: expect.stringMatching(UUID) });
    for (const spelling of [hash, `0x${hash.slice(2).toUpperCase()}`]) {
      const repeat = await submit({ hash: spelling });
      expect(repeat.status).toBe(200);
      expect(repeat.body).toMatchObject({ status: "duplicate", hash, id: accepted.body.id });
    }
    expect(await rowsOf(hash)).toMatchObject([{ id: accepted.body.id, external_id: "invoice-1" }]);
  });

  test("another tenant's submission of the same hash is its own", async () => {
    const hash = randomHash();
    const other = await createTenantKey(api);
    const first = await submit({ hash });
    const second = await submit({ hash }, { key: other.key });
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.body.id).not.toBe(first.body.id);
    expect(await rowsOf(hash)).toHaveLength(2);
  });

  test("metadata and the longest externalId are kept, members that nobody knows are not", async () => {
    const hash = randomHash();
    const externalId = "é".repeat(255);
    const metadata = { nested: [{ text: "\\u0000 written out", number: 9007199254740991, no: null }] };
    const accepted = await submit({ hash, externalId, metadata, chainId: UNREACHABLE_CHAIN_ID, more: 1 });
    expect(accepted.status).toBe(202);
    expect(await rowsOf(hash)).toMatchObject([{ external_id: externalId, metadata }]);
  });

  test("metadata keeps a member named __proto__ as any other", async () => {
    const hash = randomHash();
    const raw = `{"hash":"${hash}","metadata":{"__proto__":{"x":1},"a":2}}`;
    expect((await call(api.apiUrl, "POST", "/v1/hashes", { key, raw })).status).toBe(202);
    const { rows } = await api.db.pool.query(
      "SELECT metadata::text AS text FROM app.submissions WHERE content_hash = $1",
      [Buffer.from(hash.slice(2), "hex")],
    );
    expect(rows[0].text).toBe('{"a": 2, "__proto__": {"x": 1}}');
  });

  test("null stands for no externalId and no metadata", async () => {
    const hash = randomHash();
    expect((await submit({ hash, externalId: null, metadata: null })).status).toBe(202);
    expect(await rowsOf(hash)).toMatchObject([{ external_id: null, metadata: null }]);
  });

  const digits = "ab".repeat(32);
  test.each([
    [digits],
    [`0X${digits}`],
    [`0x${digits.slice(1)}`],
    [`0x${digits}a`],
    [`0x${digits.slice(1)}g`],
    [`0x${digits}\n`],
    [` 0x${digits}`],
    [""],
    ["0x"],
    [7],
    [null],
    [undefined],
    [[`0x${digits}`]],
    [{ hash: `0x${digits}` }],
  ])("%j is an invalid hash", async (hash) => {
    const answer = await submit({ hash });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: "Invalid hash format", member: "hash" });
  });

  test.each([
    ["externalId", "x".repeat(256)],
    ["externalId", 7],
    ["externalId", "a\0b"],
    ["metadata", "text"],
    ["metadata", ["list"]],
    ["metadata", 7],
    ["metadata", { note: "a\0b" }],
    ["metadata", { nested: [{ "na\0me": 1 }] }],
    ["chainId", "31337"],
    ["chainId", 1.5],
    ["chainId", 0],
    ["chainId", null],
    ["chainId", 424_242],
  ])("%s: %j is a 400 that names the member, and nothing is stored", async (member, value) => {
    const hash = randomHash();
    const answer = await submit({ hash, [member]: value });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toContain(member);
    expect(answer.body.member).toBe(member);
    expect(await rowsOf(hash)).toEqual([]);
  });

  test("of many that submit one hash at once to two processes, one is accepted and all are told its id", async () => {
    const second = await api.startApi();
    const hash = randomHash();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        submit({ hash, externalId: String(index) }, { origin: index % 2 === 0 ? api.apiUrl : second.url }),
      ),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(39);
    const [row] = await rowsOf(hash);
    expect(answers.map(({ body }) => body.id)).toEqual(answers.map(() => row.id));
    await second.process.stop();
  });
});

describe("HA-3 hashes are submitted together", () => {
  test("results stand in request order, and a repeat inside the call is a duplicate with the first one's id", async () => {
    const known = randomHash();
    const { body: earlier } = await submit({ hash: known });
    const [first, second] = [randomHash(), randomHash()];
    const answer = await submitBatch([
      { hash: second, externalId: "b" },
      { hash: known, externalId: "k" },
      { hash: first },
      { hash: `0x${second.slice(2).toUpperCase()}`, externalId: "again" },
    ]);
    expect(answer.status).toBe(202);
    const { results, ...counts } = answer.body;
    expect(counts).toEqual({ accepted: 2, duplicates: 2 });
    expect(results).toMatchObject([
      { hash: second, status: "accepted", id: expect.stringMatching(UUID) },
      { hash: known, status: "duplicate", id: earlier.id },
      { hash: first, status: "accepted", id: expect.stringMatching(UUID) },
      { hash: second, status: "duplicate", id: results[0].id },
    ]);
    expect(await rowsOf(second)).toMatchObject([{ id: results[0].id, external_id: "b" }]);
  });

  test("100 go through, and all of them again as duplicates are still a 202", async () => {
    const hashes = Array.from({ length: 100 }, () => ({ hash: randomHash() }));
    const first = await submitBatch(hashes);
    expect(first).toMatchObject({ status: 202, body: { accepted: 100, duplicates: 0 } });
    expect(first.body.results.map(({ hash }: { hash: string }) => hash)).toEqual(
      hashes.map(({ hash }) => hash),
    );
    const again = await submitBatch(hashes);
    expect(again).toMatchObject({ status: 202, body: { accepted: 0, duplicates: 100 } });
    expect(again.body.results.map(({ id }: { id: string }) => id)).toEqual(
      first.body.results.map(({ id }: { id: string }) => id),
    );
  });

  test("101, none at all and one bad item are a 400, and nothing of the call is stored", async () => {
    const good = Array.from({ length: 100 }, () => ({ hash: randomHash() }));
    const cases: { hashes: unknown; member: string }[] = [
      { hashes: [...good, { hash: randomHash() }], member: "hashes" },
      { hashes: [], member: "hashes" },
      { hashes: undefined, member: "hashes" },
      { hashes: { 0: good[0] }, member: "hashes" },
      { hashes: [...good.slice(1), { hash: "0x12" }], member: "hashes[99].hash" },
      { hashes: [...good.slice(1), {}], member: "hashes[99].hash" },
      { hashes: [...good.slice(1), randomHash()], member: "hashes[99]" },
      { hashes: [...good.slice(1), null], member: "hashes[99]" },
      { hashes: [good[0], { hash: randomHash(), externalId: "x\0" }], member: "hashes[1].externalId" },
    ];
    for (const { hashes, member } of cases) {
      const answer = await submitBatch(hashes);
      expect(answer).toMatchObject({ status: 400, body: { member } });
      if (member.endsWith(".hash")) expect(answer.body.error).toBe("Invalid hash format");
    }
    const unknownChain = await submitBatch(good, { chainId: 424_242 });
    expect(unknownChain).toMatchObject({ status: 400, body: { member: "chainId" } });
    expect(await rowsOf(...good.map(({ hash }) => hash))).toEqual([]);
  });

  test("calls that overlap in opposite order all come through, each hash accepted once", async () => {
    const second = await api.startApi();
    const hashes = Array.from({ length: 60 }, () => ({ hash: randomHash() }));
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        call(index % 2 === 0 ? api.apiUrl : second.url, "POST", "/v1/hashes/batch", {
          key,
          body: { hashes: index % 3 === 0 ? hashes.toReversed() : hashes },
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(answers.reduce((sum, { body }) => sum + body.accepted, 0)).toBe(60);
    expect(await rowsOf(...hashes.map(({ hash }) => hash))).toHaveLength(60);
    await second.process.stop();
  });
});

describe("protocol §4.1 one audit row stands with what was accepted", () => {
  async function auditRows(requestId: string | null) {
    const { rows } = await api.db.pool.query("SELECT * FROM app.audit_logs WHERE request_id = $1", [
      requestId,
    ]);
    return rows;
  }

  test("for a single hash: 202, then 200 for its repeat", async () => {
    const hash = randomHash();
    for (const status of [202, 200]) {
      const answer = await call(api.apiUrl, "POST", "/v1/hashes", {
        key,
        body: { hash },
        headers: { "X-Forwarded-For": "203.0.113.7", "X-Request-Id": randomUUID() },
      });
      expect(answer.status).toBe(status);
      expect(await auditRows(answer.headers.get("X-Request-Id"))).toMatchObject([
        {
          tenant_id: tenantId,
          api_key_id: keyId,
          action: "hash.submit",
          resource_type: "hash",
          resource_id: hash,
          ip_address: "203.0.113.7",
          status_code: status,
        },
      ]);
    }
  });

  test("for a batch: one row for the whole call, 202 also when all are duplicates", async () => {
    const hashes = [{ hash: randomHash() }, { hash: randomHash() }];
    for (let round = 0; round < 2; round++) {
      const answer = await submitBatch(hashes);
      expect(await auditRows(answer.headers.get("X-Request-Id"))).toMatchObject([
        { tenant_id: tenantId, action: "hash.submit_batch", status_code: 202, ip_address: "127.0.0.1" },
      ]);
    }
  });

  test("calls that share a transaction each have their own row, with their own result", async () => {
    const hash = randomHash();
    const answers = await Promise.all(Array.from({ length: 20 }, () => submit({ hash })));
    const rows = await Promise.all(
      answers.map(({ headers }) => auditRows(headers.get("X-Request-Id")).then(([row]) => row)),
    );
    expect(rows.map((row) => row.status_code)).toEqual(answers.map(({ status }) => status));
  });
});

describe("protocol §4.1 202 is said only after the commit", () => {
  const ACCEPT = /INSERT INTO app\.submissions/;

  test.each([
    { stored: false, retried: 202 },
    { stored: true, retried: 200 },
  ])("when the database hangs up (stored: $stored) a retry ends in $retried", async ({ stored, retried }) => {
    const proxy = await startPostgresProxy({ databaseUrl: api.databaseUrl });
    const behind = await api.startApi({ DATABASE_URL: proxy.url });
    const hash = randomHash();
    let answered = false;
    const fault = proxy.addFault({
      matching: ACCEPT,
      stored,
      meanwhile: async () => {
        expect(await rowsOf(hash)).toHaveLength(stored ? 1 : 0);
        expect(answered).toBe(false);
      },
    });
    const first = await submit({ hash }, { origin: behind.url }).finally(() => {
      answered = true;
    });
    await fault.done;
    expect(first.status).toBe(503);
    expect(Number(first.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(await submit({ hash }, { origin: behind.url })).toMatchObject({ status: retried });
    expect(await rowsOf(hash)).toHaveLength(1);
    const audited = await api.db.pool.query(
      "SELECT status_code FROM app.audit_logs WHERE resource_id = $1 ORDER BY request_id",
      [hash],
    );
    // Each call left one row; the one whose commit went through says what was stored, and not what the client heard.
    expect(audited.rows.map((row) => row.status_code)).toEqual(stored ? [202, 200] : [503, 202]);
    await behind.process.stop();
    await proxy.stop();
  });

  test("while the database does not answer, nobody is told anything; then everybody is", async () => {
    const proxy = await startPostgresProxy({ databaseUrl: api.databaseUrl });
    const behind = await api.startApi({ DATABASE_URL: proxy.url });
    expect((await submit({ hash: randomHash() }, { origin: behind.url })).status).toBe(202);
    proxy.pause();
    let answered = 0;
    const hashes = Array.from({ length: 10 }, randomHash);
    const answers = hashes.map((hash) =>
      submit({ hash }, { origin: behind.url }).finally(() => {
        answered++;
      }),
    );
    // Another process meanwhile carries out a whole call, so the requests above have long arrived.
    expect((await submit({ hash: randomHash() })).status).toBe(202);
    expect(answered).toBe(0);
    proxy.resume();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(hashes.map(() => 202));
    expect(await rowsOf(...hashes)).toHaveLength(10);
    await behind.process.stop();
    await proxy.stop();
  });

  test("a killed API leaves each hash accepted or not, never half, and a retry settles it", async () => {
    const victim = await api.startApi();
    const batches = Array.from({ length: 30 }, () => Array.from({ length: 20 }, randomHash));
    const answers = batches.map((hashes) =>
      call(victim.url, "POST", "/v1/hashes/batch", {
        key,
        body: { hashes: hashes.map((hash) => ({ hash })) },
      }).then(
        ({ status }) => status,
        () => null,
      ),
    );
    await until(async () => (await rowsOf(...batches.flat())).length > 0);
    await victim.process.kill9();
    for (const [index, status] of (await Promise.all(answers)).entries()) {
      const stored = (await rowsOf(...batches[index]!)).length;
      expect(stored === 0 || stored === 20).toBe(true);
      if (status === 202) expect(stored).toBe(20);
      const retry = await submitBatch(batches[index]!.map((hash) => ({ hash })));
      expect(retry).toMatchObject({ status: 202, body: { accepted: 20 - stored, duplicates: stored } });
    }
  });
});
