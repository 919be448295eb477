import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import openapiTS, { astToString } from "openapi-typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { type DocumentedAnswers, holdAgainst } from "#test/support/documentedAnswers.ts";
import { callOperation } from "#test/support/gate.ts";
import type { OpenApiDocument, Operation } from "#test/support/openapi.ts";
import { EXAMPLE_ID } from "./route.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const tsc = join(repository, "node_modules", "typescript", "bin", "tsc");

let api: TestApi;
let document: OpenApiDocument;
let operations: Operation[];
let answers: DocumentedAnswers;

beforeAll(async () => {
  api = await startTestApi();
  await api.db.pool.query("INSERT INTO app.tenants (id, name) VALUES ($1, 'Example')", [EXAMPLE_ID]);
  document = (await call(api.apiUrl, "GET", "/openapi.json")).body;
  answers = holdAgainst(document);
  ({ operations } = answers);
});
afterAll(() => api.stop());

describe("HA-21 the API describes itself", () => {
  test("by an OpenAPI 3.1 document that names every route once", async () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain("postV1Hashes");
    expect(ids).toContain("getV1VerifyByHash");
  });

  test("by a page that loads nothing from elsewhere", async () => {
    const page = await fetch(`${api.apiUrl}/docs`);
    expect(page.status).toBe(200);
    const policy = page.headers.get("Content-Security-Policy");
    for (const directive of [
      "default-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ])
      expect(policy).toContain(directive);
    const html = await page.text();
    expect(html).not.toMatch(/https?:\/\//);
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const asset = await fetch(new URL(path!, `${api.apiUrl}/docs`));
      expect(asset.status).toBe(200);
      expect((await asset.text()).length).toBeGreaterThan(10);
    }
  });

  test("with an example of everything that a request needs", () => {
    for (const { operationId, takesBody, exampleBody, parameters } of operations) {
      if (takesBody) expect(exampleBody, operationId).toBeDefined();
      for (const { name, required, example } of parameters)
        if (required) expect(example, `${operationId} ${name}`).toBeDefined();
    }
    expect(answers.examplesWithProblems()).toEqual([]);
  });

  test("and each documented example is answered as documented, by key and by account", async () => {
    expect(operations.length).toBeGreaterThan(10);
    // An operator's key that speaks for a domain too: some surfaces take no other.
    const { key, hmacSecret } = await createTenantKey(api, {
      scopes: ["submit", "query", "manage", "admin"],
      site: "shop.example",
      hmac: true,
    });
    const replay = async (
      chosen: Operation[],
      credentials: { key?: string; hmacSecret?: string; headers?: Record<string, string> },
    ) => {
      for (const operation of chosen) {
        const answer = await callOperation(api.apiUrl, operation, credentials);
        expect(answers.problemOf(operation.operationId, answer)).toBeNull();
        // No example can hold a secret that opens something.
        if (operation.operationId === "postOauthToken") expect(answer.status).toBe(401);
        else expect([400, 401, 403, 422, 500], operation.operationId).not.toContain(answer.status);
      }
    };
    const byAccountAlone = (operation: Operation) => operation.takesAccount && !operation.takesKey;
    await replay(
      operations.filter((operation) => !byAccountAlone(operation)),
      { key, hmacSecret },
    );
    const person = { name: "Acme", email: "replay@acme.example", password: "correct horse battery" };
    const { body } = await call(api.apiUrl, "POST", "/auth/register", { body: person });
    await replay(operations.filter(byAccountAlone), { headers: { Authorization: `Bearer ${body.token}` } });
  });

  test("HA-14 with quota headers on the answers on which they stand, of a tenant with a plan, and on no others", async () => {
    const { key, tenantId, hmacSecret } = await createTenantKey(api, {
      scopes: ["submit", "query", "manage"],
      hmac: true,
    });
    await call(api.apiUrl, "PATCH", `/admin/tenants/${tenantId}`, {
      key: api.adminKey,
      body: { plan: "free" },
    });
    let counted = 0;
    for (const operation of operations) {
      const body =
        operation.exampleBody !== null && typeof operation.exampleBody === "object"
          ? { ...operation.exampleBody, ...("tenantId" in operation.exampleBody ? { tenantId } : {}) }
          : operation.exampleBody;
      const answer = await callOperation(
        api.apiUrl,
        { ...operation, exampleBody: body },
        { key, hmacSecret },
      );
      expect(answers.problemOf(operation.operationId, answer)).toBeNull();
      const headers = Object.keys(operation.responses[answer.status]!.headers ?? {});
      expect(answer.headers.has("X-Quota-Limit"), operation.operationId).toBe(
        headers.includes("X-Quota-Limit"),
      );
      if (headers.includes("X-Quota-Limit")) counted++;
      if (operation.takesBody && operation.takesKey) {
        const malformed = await call(api.apiUrl, operation.method, operation.examplePath, { key, raw: "{" });
        expect(answers.problemOf(operation.operationId, malformed)).toBeNull();
      }
    }
    expect(counted).toBeGreaterThanOrEqual(2);
  });

  test("well enough for a generated client: it compiles, and talks to the API", async () => {
    const { key } = await createTenantKey(api);
    const folder = mkdtempSync(join(repository, "test", ".client-"));
    try {
      // biome-ignore lint/suspicious/noExplicitAny: the generator has a type of its own for documents
      writeFileSync(join(folder, "api.ts"), astToString(await openapiTS(document as any)));
      writeFileSync(join(folder, "client.ts"), CLIENT);
      const options = ["--strict", "--noEmit", "--skipLibCheck", "--allowImportingTsExtensions"];
      const modules = ["--module", "nodenext", "--target", "es2023", "--types", "node"];
      const checked = await promisify(execFile)(
        process.execPath,
        [tsc, ...options, ...modules, "--moduleDetection", "force", join(folder, "client.ts")],
        { cwd: folder },
      ).catch((error: { stdout: string }) => error);
      expect(checked.stdout).toBe("");
      writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
      const { stdout } = await promisify(execFile)(process.execPath, [
        join(folder, "client.ts"),
        api.apiUrl,
        key,
      ]);
      expect(JSON.parse(stdout)).toEqual(["accepted", "duplicate", "pending", 1, "Invalid hash format"]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** What an integrator would write; it does not compile when the document is wrong about a member. */
const CLIENT = `
import createClient from "openapi-fetch";
import type { paths } from "./api.ts";

const [, , baseUrl, key] = process.argv;
const client = createClient<paths>({ baseUrl: baseUrl!, headers: { "X-API-Key": key! } });
const hash = "0x" + "5a".repeat(32);
const first = await client.POST("/v1/hashes", { body: { hash, externalId: "one" } });
const second = await client.POST("/v1/hashes", { body: { hash } });
const own = await client.GET("/v1/hashes/{hash}", { params: { path: { hash } } });
const batch = await client.POST("/v1/hashes/batch", { body: { hashes: [{ hash }] } });
const refused = await client.POST("/v1/hashes", { body: { hash: "0x00" } });
const status: "accepted" | "duplicate" | undefined = first.data?.status;
const duplicates: number | undefined = batch.data?.duplicates;
const error: string | undefined = refused.error?.error;
console.log(JSON.stringify([status, second.data?.status, own.data?.status, duplicates, error]));
`;
