import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import openapiTS, { astToString } from "openapi-typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { listOperations, type OpenApiDocument, type Operation } from "#test/support/openapi.ts";
import { EXAMPLE_ID } from "./route.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const tsc = join(repository, "node_modules", "typescript", "bin", "tsc");

let api: TestApi;
let document: OpenApiDocument;
let operations: Operation[];

beforeAll(async () => {
  api = await startTestApi();
  await api.db.pool.query("INSERT INTO app.tenants (id, name) VALUES ($1, 'Example')", [EXAMPLE_ID]);
  document = (await call(api.apiUrl, "GET", "/openapi.json")).body;
  operations = listOperations(document);
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
    expect(page.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
    const html = await page.text();
    expect(html).not.toMatch(/https?:\/\//);
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const asset = await fetch(new URL(path!, `${api.apiUrl}/docs`));
      expect(asset.status).toBe(200);
      expect((await asset.text()).length).toBeGreaterThan(10);
    }
  });

  test("and each documented example is answered as documented", async () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { base64: true } });
    addFormats.default(ajv);
    ajv.addSchema({ $id: "openapi", ...document });
    expect(operations.length).toBeGreaterThan(10);
    for (const operation of operations) {
      const answer = await call(api.apiUrl, operation.method, operation.examplePath, {
        key: api.adminKey,
        body: operation.exampleBody,
      });
      const documented = operation.responses[answer.status];
      expect(documented, `${operation.operationId} answered ${answer.status}`).toBeDefined();
      expect([400, 500], operation.operationId).not.toContain(answer.status);
      const schema = documented!.content?.["application/json"]?.schema;
      if (schema === undefined) continue;
      const validate = ajv.compile("$ref" in schema ? { $ref: `openapi${schema.$ref as string}` } : schema);
      expect(validate(answer.body), `${operation.operationId}: ${ajv.errorsText(validate.errors)}`).toBe(
        true,
      );
    }
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
