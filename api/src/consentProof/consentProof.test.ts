import { createHmac, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import canonicalize from "canonicalize";
import { parse as parseCsv } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSecretBox } from "#api/secrets/secretBox.ts";
import { contextOf } from "#api/secrets/serviceKeys.ts";
import { startTestApi, TEST_SECRET, type TestApi } from "#test/support/api.ts";
import { selfSignedCertificate } from "#test/support/certificate.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { poppler, skippedForPoppler } from "#test/support/poppler.ts";
import { readProofPdf } from "#verifier/pdf/readProofPdf.ts";

let api: TestApi;
let folder: string;
let sites = 0;

beforeAll(async () => {
  api = await startTestApi();
  folder = mkdtempSync(join(tmpdir(), "holdfast-proofs-"));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await api.stop();
});

/** A key of a domain of its own, so that no test meets another's limits. */
async function siteKey(): Promise<{ key: string; tenantId: string; site: string }> {
  const site = `shop-${sites++}.example`;
  const made = await createTenantKey(api, { scopes: ["submit", "query", "manage"], site });
  return { ...made, site };
}

const choice = {
  visitor_id: "visitor-1",
  action: "custom_selection",
  categories: { necessary: true, functional: true, analytics: false, advertising: false, performance: false },
  banner_mode: "opt-in",
  page_url: "https://shop.example/?a=1#x",
  country: "RS",
  language: "sr",
  gpc: { detected: true, honored: true },
  ip_address: "203.0.113.77",
};
const record = (key: string, changed: object = {}) =>
  call(api.apiUrl, "POST", "/api/v1/consents", { key, body: { ...choice, ...changed } });
const get = (path: string, key?: string) => call(api.apiUrl, "GET", path, key === undefined ? {} : { key });
const verify = (body: unknown, headers = {}) =>
  call(api.apiUrl, "POST", "/api/consent/verify-proof", { body, headers });

async function pdfOf(
  path: string,
  key?: string,
): Promise<{ status: number; type: string | null; bytes: Buffer }> {
  const response = await fetch(api.apiUrl + path, { headers: key ? { "X-Api-Key": key } : {} });
  return {
    status: response.status,
    type: response.headers.get("Content-Type"),
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}

function textOf(pdf: Buffer): string {
  const file = join(folder, "proof.pdf");
  writeFileSync(file, pdf);
  return poppler("pdftotext", "-layout", file, "-");
}

describe("OS-6 POST /api/v1/consents", () => {
  test("records the choice on the key's domain and answers the record", async () => {
    const { key, site } = await siteKey();
    const { status, body } = await record(key);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      receipt_id: expect.stringMatching(/^ct_[0-9a-f]{32}$/),
      record_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      domain: site,
      visitor_id: "visitor-1",
      action: "custom_selection",
      categories: choice.categories,
      page_url: "https://shop.example/?a=1#x",
      ip_masked: "203.0.113.0",
      expires_at: null,
    });
    expect(JSON.stringify(body)).not.toContain("203.0.113.77");
  });

  test("the record's digest is submitted for anchoring like any hash", async () => {
    const { key } = await siteKey();
    const { body } = await record(key);
    const own = await get(`/v1/hashes/0x${body.record_sha256}`, key);
    expect(own).toMatchObject({ status: 200, body: { status: "pending" } });
  });

  test.each([
    ["visitor_id", { visitor_id: "" }],
    ["visitor_id", { visitor_id: "x".repeat(256) }],
    ["visitor_id", { visitor_id: 7 }],
    ["action", { action: "accept" }],
    ["categories", { categories: { analytics: "yes" } }],
    ["categories", { categories: undefined }],
    ["gpc.honored", { gpc: { detected: true } }],
    ["ip_address", { ip_address: "203.0.113" }],
    ["consented_at", { consented_at: "yesterday" }],
    ["consented_at", { consented_at: "2999-01-01T00:00:00Z" }],
    ["consented_at", { consented_at: "0000-01-01T00:00:00Z" }],
    ["consented_at", { consented_at: "1970-01-01T00:00:00+01:00" }],
    ["expires_at", { expires_at: "9999-12-31T23:59:59-01:00" }],
    ["expires_at", { consented_at: "2026-01-02T00:00:00Z", expires_at: "2026-01-01T00:00:00Z" }],
  ])("an invalid %s is a 422 that names it", async (member, changed) => {
    const { key } = await siteKey();
    const { status, body } = await record(key, changed);
    expect(status).toBe(422);
    expect(body).toMatchObject({ error: expect.any(String), member });
    expect((await get("/api/v1/consents", key)).body.pagination.total).toBe(0);
  });

  test("a visitor may have any name of 255 characters, whatever script", async () => {
    const { key } = await siteKey();
    const visitor_id = `${"ж".repeat(250)}🦊/?#`;
    expect((await record(key, { visitor_id })).status).toBe(201);
    const status = await get(`/api/v1/consent-status?visitor_id=${encodeURIComponent(visitor_id)}`, key);
    expect(status.body.visitor_id).toBe(visitor_id);
  });

  test("a category may be called anything, also what every object has", async () => {
    const { key } = await siteKey();
    const categories = JSON.parse('{"necessary":true,"constructor":true,"__proto__":false,"toString":true}');
    const { status, body } = await record(key, { categories });
    expect({ status, categories: body.categories }).toEqual({ status: 201, categories });
    expect((await pdfOf("/api/v1/consent-proof/visitor-1", key)).status).toBe(200);
    const page = await (await fetch(`${api.apiUrl}/receipt/${body.receipt_id}`)).text();
    for (const name of Object.keys(categories).slice(1)) expect(page).toContain(`<dt>${name}</dt>`);
    expect(page).not.toContain("native code");
  });

  test("a key without a domain is refused", async () => {
    const { key } = await createTenantKey(api, { scopes: ["submit", "query"] });
    expect(await record(key)).toMatchObject({
      status: 422,
      body: { error: expect.stringMatching(/domain/) },
    });
  });

  test("consent-status answers what the visitor said last, and null when there is none or it has expired", async () => {
    const { key } = await siteKey();
    const status = async () => (await get("/api/v1/consent-status?visitor_id=visitor-1", key)).body;
    expect(await status()).toBeNull();
    await record(key, { action: "accept_all" });
    await record(key, { action: "reject_all" });
    expect(await status()).toMatchObject({ action: "reject_all" });
    await record(key, { consented_at: "2020-01-01T00:00:00Z", expires_at: "2021-01-01T00:00:00Z" });
    expect(await status()).toBeNull();
  });

  test("lists the domain's consents, the newest first, and none of another domain of the same tenant", async () => {
    const { key, tenantId } = await siteKey();
    for (const visitor_id of ["a", "b", "c"]) await record(key, { visitor_id });
    const other = await call(api.apiUrl, "POST", "/admin/api-keys", {
      key: api.adminKey,
      body: { tenantId, name: "other", scopes: ["submit", "query"], site: "other.example" },
    });
    await record(other.body.key, { visitor_id: "d" });
    const page = await get("/api/v1/consents?page=1&limit=2", key);
    expect(page.body.pagination).toEqual({ page: 1, limit: 2, total: 3 });
    expect(page.body.data.map((one: { visitor_id: string }) => one.visitor_id)).toEqual(["c", "b"]);
  });

  test("exports JSON and CSV with the same rows, formulas made harmless in CSV", async () => {
    const { key } = await siteKey();
    for (let i = 0; i < 3; i++) await record(key, { visitor_id: `=cmd${i}` });
    const json = (await get("/api/v1/consents/export", key)).body;
    expect(json.map((row: { visitor_id: string }) => row.visitor_id)).toEqual(["=cmd2", "=cmd1", "=cmd0"]);
    const csv = await get("/api/v1/consents/export?format=csv", key);
    const rows = parseCsv(csv.body, { columns: true }) as Record<string, string>[];
    expect(rows.map((row) => row.visitor_id)).toEqual(["'=cmd2", "'=cmd1", "'=cmd0"]);
    expect(rows.map((row) => row.receipt_id)).toEqual(
      json.map((row: { receipt_id: string }) => row.receipt_id),
    );
    expect((await get("/api/v1/consents/export?format=xml", key)).status).toBe(422);
  });

  test("at most 5 exports an hour and domain", async () => {
    const { key } = await siteKey();
    for (let i = 0; i < 5; i++) expect((await get("/api/v1/consents/export", key)).status).toBe(200);
    const refused = await get("/api/v1/consents/export", key);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
  });
});

describe("OS-4, OS-5 the signature of a proof", () => {
  test("OS-4: is HMAC-SHA256 over the RFC 8785 bytes of the record's members, under a key that only the server has", async () => {
    const { key } = await siteKey();
    const { body } = await record(key);
    expect(body.signature).toMatch(/^[0-9a-f]{64}$/);
    expect(body.signature_scheme).toBe("HMAC-SHA256");
    const { rows } = await api.db.pool.query("SELECT sealed_key FROM app.service_keys WHERE kid = $1", [
      body.signature_key_id,
    ]);
    const secret = createSecretBox([TEST_SECRET]).open(rows[0].sealed_key, contextOf(body.signature_key_id));
    const { receipt_id, visitor_id, domain, consented_at, action, categories } = body;
    const bytes = canonicalize({ receipt_id, visitor_id, domain, consented_at, action, categories })!;
    expect(createHmac("sha256", secret).update(bytes).digest("hex")).toBe(body.signature);
  });

  test("OS-5: a right signature is valid, in any case and without a key", async () => {
    const { key } = await siteKey();
    const { body } = await record(key);
    for (const signature of [body.signature, body.signature.toUpperCase()])
      expect(await verify({ receipt_id: body.receipt_id, signature })).toMatchObject({
        status: 200,
        body: { valid: true, scheme: "HMAC-SHA256" },
      });
  });

  test("OS-5: a wrong signature and an unknown receipt are answered alike", async () => {
    const { key } = await siteKey();
    const { body } = await record(key);
    const wrong = await verify({ receipt_id: body.receipt_id, signature: "00".repeat(32) });
    const unknown = await verify({ receipt_id: `ct_${"0".repeat(32)}`, signature: body.signature });
    const noId = await verify({ receipt_id: "nothing", signature: body.signature });
    for (const answer of [wrong, unknown, noId])
      expect(answer).toMatchObject({ status: 200, body: { valid: false, scheme: "HMAC-SHA256" } });
  });

  test.each([
    [{ receipt_id: "ct_1" }],
    [{ signature: "00".repeat(32) }],
    [{ receipt_id: "ct_1", signature: "zz" }],
    [{ receipt_id: 1, signature: "00".repeat(32) }],
    [[]],
  ])("OS-5: a malformed request is a 400: %j", async (body) => {
    expect((await verify(body)).status).toBe(400);
  });

  test("OS-5: 120 a minute and address, with an honest Retry-After", async () => {
    const headers = { "X-Forwarded-For": "198.51.100.9" };
    const body = { receipt_id: "ct_1", signature: "00".repeat(32) };
    const answers = await Promise.all(Array.from({ length: 125 }, () => verify(body, headers)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(1);
    expect(Number(refused[0]!.headers.get("Retry-After"))).toBeLessThanOrEqual(60);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(120);
  });

  test("OS-5: a record from before the signing key verifies by its SHA-256", async () => {
    const unsigned = await api.startApi({ CHAIN_KEY_ENCRYPTION_SECRET: "" });
    const { key } = await siteKey();
    const { body } = await call(unsigned.url, "POST", "/api/v1/consents", { key, body: choice });
    expect(body).toMatchObject({ signature: null, signature_scheme: "SHA-256" });
    expect(await verify({ receipt_id: body.receipt_id, signature: body.record_sha256 })).toMatchObject({
      body: { valid: true, scheme: "SHA-256" },
    });
    expect((await verify({ receipt_id: body.receipt_id, signature: "00".repeat(32) })).body.valid).toBe(
      false,
    );
    await unsigned.process.stop();
  });

  test("OS-4: keys rotate and old receipts still verify", async () => {
    const { key } = await siteKey();
    const before = (await record(key)).body;
    await api.db.pool.query("UPDATE app.service_keys SET signs_until = now()");
    const later = await api.startApi();
    const after = (await call(later.url, "POST", "/api/v1/consents", { key, body: choice })).body;
    expect(after.signature_key_id).not.toBe(before.signature_key_id);
    for (const { receipt_id, signature } of [before, after])
      expect((await verify({ receipt_id, signature })).body.valid).toBe(true);
    await later.process.stop();
  });
});

describe("OS-1 GET /api/v1/consent-proof/:visitorId", () => {
  test("is a PDF of the newest consent that is still valid, else of the newest", async () => {
    const { key } = await siteKey();
    const past = { consented_at: "2020-01-01T00:00:00Z", expires_at: "2021-01-01T00:00:00Z" };
    await record(key, { ...past, visitor_id: "old" });
    const newestOld = (await record(key, { ...past, visitor_id: "old" })).body;
    const valid = (await record(key)).body;
    await record(key, past);
    const pdf = await pdfOf("/api/v1/consent-proof/visitor-1", key);
    expect(pdf).toMatchObject({ status: 200, type: "application/pdf" });
    expect(await receiptIn(pdf.bytes)).toMatchObject({ receipt: null, _sd: expect.any(Array) });
    expect(pdf.bytes.toString("latin1")).toContain(valid.receipt_id);
    const old = await pdfOf("/api/v1/consent-proof/old", key);
    expect(old.bytes.toString("latin1")).toContain(newestOld.receipt_id);
  });

  const receiptIn = async (pdf: Buffer) =>
    JSON.parse(Buffer.from((await readProofPdf(pdf)).receipt).toString());

  test("?receipt_id picks another; an unknown one, and one of another visitor, is a 404", async () => {
    const { key } = await siteKey();
    const first = (await record(key)).body;
    await record(key);
    const foreign = (await record(key, { visitor_id: "visitor-2" })).body;
    const of = (id: string) => pdfOf(`/api/v1/consent-proof/visitor-1?receipt_id=${id}`, key);
    expect((await of(first.receipt_id)).bytes.toString("latin1")).toContain(first.receipt_id);
    expect((await of(foreign.receipt_id)).status).toBe(404);
    expect((await of("ct_nothing")).status).toBe(404);
  });

  test("another tenant's visitor, another domain's, and an unknown one are a 404", async () => {
    const [own, other] = [await siteKey(), await siteKey()];
    const { body } = await record(own.key);
    expect(await get("/api/v1/consent-proof/visitor-1", other.key)).toMatchObject({
      status: 404,
      body: { error: expect.any(String) },
    });
    expect(
      (await get(`/api/v1/consent-proof/visitor-1?receipt_id=${body.receipt_id}`, other.key)).status,
    ).toBe(404);
  });

  test("every bad key is the same 401", async () => {
    const revoked = await siteKey();
    const keys = await get(`/admin/api-keys?tenantId=${revoked.tenantId}`, api.adminKey);
    await call(api.apiUrl, "DELETE", `/admin/api-keys/${keys.body.data[0].id}`, { key: api.adminKey });
    for (const key of [undefined, "nonsense", `ha_${"0".repeat(64)}`, revoked.key])
      expect(await get("/api/v1/consent-proof/visitor-1", key)).toMatchObject({
        status: 401,
        body: { error: "Invalid API key" },
      });
  });

  test("20 a minute and domain, over all keys of the domain", async () => {
    const { key, tenantId, site } = await siteKey();
    const second = await call(api.apiUrl, "POST", "/admin/api-keys", {
      key: api.adminKey,
      body: { tenantId, name: "second", scopes: ["query"], site, rateLimitPerMinute: 1000 },
    });
    const keys = [key, second.body.key];
    const statuses = await Promise.all(
      Array.from(
        { length: 24 },
        async (_, i) => (await get("/api/v1/consent-proof/nobody", keys[i % 2])).status,
      ),
    );
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(1);
    expect(statuses.filter((status) => status === 404).length).toBeGreaterThanOrEqual(20);
  });

  test.skipIf(skippedForPoppler !== null)(
    `shows no full IP address and nothing of the browser ${skippedForPoppler ?? ""}`,
    async () => {
      const { key } = await siteKey();
      await record(key);
      const { bytes } = await pdfOf("/api/v1/consent-proof/visitor-1?lang=sr-Cyrl", key);
      const text = textOf(bytes);
      expect(text).toContain("Доказ о сагласности");
      expect(text).toContain("203.0.113.0");
      const embedded = Buffer.from((await readProofPdf(bytes)).receipt).toString();
      for (const all of [text, embedded, Buffer.from(embedded).toString("utf8")]) {
        expect(all).not.toContain("203.0.113.77");
        expect(all).not.toMatch(/user_agent|ip_hash/);
      }
      const { disclosures } = JSON.parse(embedded);
      const shown = disclosures.map((one: string) => Buffer.from(one, "base64url").toString());
      expect(shown.join()).not.toMatch(/ip_hash|user_agent|203\.0\.113\.77/);
    },
  );

  test("OS-7: signals that contradict the categories, or cannot be read, are flagged", async () => {
    const { key } = await siteKey();
    const { body } = await record(key, { tcf_string: "not a TCF string", ac_string: "1~7.12.35" });
    expect(body.flags).toContain("tcf_not_decodable");
    expect(body.tcf_string).toBe("not a TCF string");
  });
});

describe("OS-3 the public receipt page", () => {
  test("shows the receipt without a key, loads nothing, and links to the PDF", async () => {
    const { key } = await siteKey();
    const { body } = await record(key, { categories: { "<img src=x>": true, necessary: true } });
    const page = await fetch(`${api.apiUrl}/receipt/${body.receipt_id}`);
    expect(page.status).toBe(200);
    expect(page.headers.get("Content-Security-Policy")).toMatch(/^default-src 'none'/);
    const text = await page.text();
    expect(text).toContain(body.record_sha256);
    expect(text).not.toContain("<img");
    const pdf = await pdfOf(`/receipt/${body.receipt_id}/pdf?lang=sr`);
    expect(pdf).toMatchObject({ status: 200, type: "application/pdf" });
    expect((await fetch(`${api.apiUrl}/receipt/ct_${"0".repeat(32)}`)).status).toBe(404);
    expect((await fetch(`${api.apiUrl}/receipt/v1`)).headers.get("Content-Type")).toContain("ld+json");
  });
});

describe("OS-6 erasure", () => {
  test("takes the visitor away everywhere; the page says so and verify-proof answers false", async () => {
    const { key, tenantId } = await siteKey();
    const visitor_id = "erase-me-7f3a9c";
    const before = (await record(key, { visitor_id })).body;
    await get(`/api/v1/consent-proof/${visitor_id}`, key);
    const erased = await call(api.apiUrl, "DELETE", `/api/v1/consent/${visitor_id}`, { key });
    expect(erased).toMatchObject({
      status: 200,
      body: {
        erased: 1,
        receipt_id: expect.stringMatching(/^ct_/),
        record_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
    expect((await verify({ receipt_id: before.receipt_id, signature: before.signature })).body.valid).toBe(
      false,
    );
    expect(await (await fetch(`${api.apiUrl}/receipt/${before.receipt_id}`)).text()).toContain("was erased");
    expect((await fetch(`${api.apiUrl}/receipt/${before.receipt_id}/pdf`)).status).toBe(404);
    expect((await get(`/api/v1/consent-proof/${visitor_id}`, key)).status).toBe(404);
    expect((await get(`/v1/hashes/0x${erased.body.record_sha256}`, key)).status).toBe(200);
    expect(api.api.output()).not.toContain(visitor_id);
    const { rows } = await api.db.pool.query(
      "SELECT action, resource_id FROM app.audit_logs WHERE tenant_id = $1 ORDER BY request_id",
      [tenantId],
    );
    expect(rows.map(({ action }) => action)).toContain("consent.erase");
    expect(JSON.stringify(rows)).not.toContain(visitor_id);
  });

  test("a second erasure erases nothing and is a 200; 10 a minute and key", async () => {
    const { key } = await siteKey();
    const answers = [];
    for (let i = 0; i < 12; i++)
      answers.push(await call(api.apiUrl, "DELETE", "/api/v1/consent/nobody", { key }));
    expect(answers[0]!.body.erased).toBe(0);
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(1);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(10);
  });
});

describe("OS PAdES", () => {
  test("OS: with the operator's key and certificate every PDF is signed; one without the other is no start", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const keyFile = join(folder, "signer.pem");
    const certificateFile = join(folder, "certificate.pem");
    writeFileSync(keyFile, privateKey.export({ type: "pkcs8", format: "pem" }));
    writeFileSync(certificateFile, await selfSignedCertificate(privateKey, publicKey));
    const signing = await api.startApi({
      PDF_SIGNING_KEY_FILE: keyFile,
      PDF_SIGNING_CERTIFICATE_FILE: certificateFile,
    });
    const { key } = await siteKey();
    await record(key);
    const response = await fetch(`${signing.url}/api/v1/consent-proof/visitor-1`, {
      headers: { "X-Api-Key": key },
    });
    const pdf = Buffer.from(await response.arrayBuffer()).toString("latin1");
    expect(pdf).toContain("/SubFilter /ETSI.CAdES.detached");
    expect(pdf).toMatch(/\/Contents <30[0-9a-f]{1000,}/);
    await signing.process.stop();
    await expect(api.startApi({ PDF_SIGNING_KEY_FILE: keyFile })).rejects.toThrow("go together");
    const swapped = { PDF_SIGNING_KEY_FILE: certificateFile, PDF_SIGNING_CERTIFICATE_FILE: keyFile };
    await expect(api.startApi(swapped)).rejects.toThrow("cannot be read");
  });
});
