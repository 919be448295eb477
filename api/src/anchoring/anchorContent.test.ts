import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowsHolding, startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";

let api: TestApi;
let key: string;

beforeAll(async () => {
  api = await startTestApi();
  ({ key } = await createTenantKey(api, { scopes: ["submit"] }));
});
afterAll(() => api.stop());

const anchor = (body: unknown, as = key) => call(api.apiUrl, "POST", "/v1/hashes/anchor", { key: as, body });
const sha256 = (bytes: string | Uint8Array) => `0x${createHash("sha256").update(bytes).digest("hex")}`;

describe("HA-4 a content is anchored by its SHA-256", () => {
  test("as FIPS 180-2's vector has it, as text and as base64", async () => {
    const hash = "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const metadata = { title: "abc" };
    const text = await anchor({ content: "abc", format: "text", externalId: "7", metadata });
    expect(text).toMatchObject({
      status: 202,
      body: { status: "accepted", hash, externalId: "7", metadata },
    });
    const base64 = await anchor({ content: "YWJj", format: "base64" });
    expect(base64).toMatchObject({
      status: 200,
      body: { status: "duplicate", id: text.body.id, hash, metadata: null },
    });
    const plain = await call(api.apiUrl, "POST", "/v1/hashes", { key, body: { hash } });
    expect(plain).toMatchObject({ status: 200, body: { id: text.body.id } });
    const { rows } = await api.db.pool.query(
      "SELECT external_id, metadata FROM app.submissions WHERE id = $1",
      [text.body.id],
    );
    expect(rows).toEqual([{ external_id: "7", metadata }]);
  });

  test("for any text, in UTF-8 and not changed in any other way, and for any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => text.isWellFormed()),
        fc.uint8Array({ minLength: 1 }),
        async (text, bytes) => {
          const asText = await anchor({ content: text, format: "text" });
          expect(asText.body.hash).toBe(sha256(text));
          const asBytes = await anchor({ content: Buffer.from(bytes).toString("base64"), format: "base64" });
          expect(asBytes.body.hash).toBe(sha256(bytes));
        },
      ),
      { numRuns: 30 },
    );
    for (const content of ["a\0b", " padded ", "line\r\n", "\ufeffmark", "{}"])
      expect((await anchor({ content, format: "text" })).body.hash).toBe(sha256(content));
  });

  test("of close to a megabyte; a larger body is a 413", async () => {
    const bytes = randomBytes(780_000);
    const content = bytes.toString("base64");
    expect((await anchor({ content, format: "base64" })).body.hash).toBe(sha256(bytes));
    expect((await anchor({ content: "x".repeat(1_048_576), format: "text" })).status).toBe(413);
  });

  test.each([
    ["content", { content: undefined }, "text"],
    ["content", { content: 7 }, "text"],
    ["content", { content: "" }, "empty"],
    ["content", { content: "YWJ", format: "base64" }, "base64"],
    ["content", { content: "YWJj\n", format: "base64" }, "base64"],
    ["content", { content: "YW Jj", format: "base64" }, "base64"],
    ["content", { content: "YW-_", format: "base64" }, "base64"],
    ["content", { content: "YWI", format: "base64" }, "base64"],
    ["content", { content: "YWJ=", format: "base64" }, "base64"],
    ["content", { content: "YQ==YQ==", format: "base64" }, "base64"],
    ["content", { content: "no base64!", format: "base64" }, "base64"],
    ["format", { format: undefined }, "text or base64"],
    ["format", { format: "hex" }, "text or base64"],
    ["externalId", { externalId: "x".repeat(256) }, "255"],
    ["metadata", { metadata: [] }, "object"],
    ["chainId", { chainId: 424_242 }, "chainId"],
  ])("and a bad %s %j is a 400 that says what it must be", async (member, wrong, said) => {
    const answer = await anchor({ content: "abcd", format: "text", ...wrong });
    expect(answer).toMatchObject({ status: 400, body: { member } });
    expect(answer.body.error).toContain(said);
  });

  test("and kept nowhere: not in the database, the audit log, the log or an error", async () => {
    const content = `secret${randomBytes(16).toString("hex")}`;
    const base64 = Buffer.from(content).toString("base64");
    const answers = [
      await anchor({ content, format: "text" }),
      await anchor({ content: base64, format: "base64" }),
      await anchor({ content: `${base64}!`, format: "base64" }),
      await anchor({ content, format: content }),
      await anchor({ content, format: "text", chainId: 424_242 }),
      await call(api.apiUrl, "POST", "/v1/hashes/anchor", { key, raw: `{"content":"${content}` }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([202, 200, 400, 400, 400, 400]);
    for (const text of [content, base64]) {
      expect(await rowsHolding(api.databaseUrl, text)).toEqual([]);
      expect(api.api.output()).not.toContain(text);
      expect(JSON.stringify(answers.map(({ body }) => body))).not.toContain(text);
    }
  });

  test("with one audit row that names the hash, and the quota's headers", async () => {
    const planned = await createTenantKey(api, { scopes: ["submit"] });
    const plan = { plan: "free" };
    await call(api.apiUrl, "PATCH", `/admin/tenants/${planned.tenantId}`, { key: api.adminKey, body: plan });
    const content = randomBytes(8).toString("hex");
    const hash = sha256(content);
    for (const status of [202, 200]) {
      const answer = await anchor({ content, format: "text" }, planned.key);
      expect([answer.status, answer.headers.get("X-Quota-Remaining")]).toEqual([status, "99"]);
      const { rows } = await api.db.pool.query(
        "SELECT action, resource_type, resource_id, status_code FROM app.audit_logs WHERE request_id = $1",
        [answer.headers.get("X-Request-Id")],
      );
      expect(rows.map((row) => Object.values(row))).toEqual([["hash.anchor", "hash", hash, status]]);
    }
  });
});
