import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { listOperations, type OpenApiDocument, type Operation } from "#test/support/openapi.ts";

const SCOPES = ["submit", "query", "manage", "admin"];

let api: TestApi;
let operations: Operation[];

beforeAll(async () => {
  api = await startTestApi();
  const document: OpenApiDocument = (await call(api.apiUrl, "GET", "/openapi.json")).body;
  operations = listOperations(document);
});
afterAll(() => api.stop());

const send = ({ method, examplePath, exampleBody }: Operation, key?: string, headers = {}) =>
  call(api.apiUrl, method, examplePath, { ...(key ? { key } : {}), body: exampleBody, headers });

/** Every operation that needs a key, so that a route without a rule shows up among the others. */
const keyed = () => operations.filter(({ scope }) => scope !== undefined);
const takingKeys = () => keyed().filter(({ takesKey }) => takesKey);

async function expectAll(operationsUnderTest: Operation[], key: string | undefined, status: number) {
  expect(operationsUnderTest.length).toBeGreaterThan(0);
  for (const operation of operationsUnderTest)
    expect((await send(operation, key)).status, operation.operationId).toBe(status);
}

describe("HA-20 every route of the document", () => {
  test("that nobody needs a key for is one of those that are meant to be public", () => {
    const open = operations.filter(({ scope }) => scope === undefined).map(({ operationId }) => operationId);
    expect(open.sort()).toEqual(
      [
        "getDocumentsById",
        "getHealth",
        "getMetrics",
        "getReady",
        "getReceiptV1",
        "getV1Chains",
        "getV1PublicKey",
        "getV1ReceiptsByHash",
        "getV1VerifyByHash",
        "getWellKnownJwksJson",
        "postAuthLogin",
        "postAuthProvision",
        "postAuthRegister",
      ].sort(),
    );
  });

  test("refuses a request without a key, with a malformed one, and with one that nobody has", async () => {
    await expectAll(keyed(), undefined, 401);
    await expectAll(keyed(), "ha_0", 401);
    await expectAll(keyed(), `ha_${randomBytes(32).toString("hex")}`, 401);
  });

  test("refuses every key that lacks its scope, and says which it takes", async () => {
    for (const scope of SCOPES.filter((one) => one !== "admin")) {
      const { key } = await createTenantKey(api, { scopes: [scope] });
      for (const operation of takingKeys().filter((one) => one.scope !== scope)) {
        const answer = await send(operation, key);
        expect(answer.status, `${operation.operationId} with ${scope}`).toBe(403);
        expect(answer.body.error ?? answer.body.message).toContain(`Required: ${operation.scope}`);
      }
    }
  });

  test("lets the key with its scope alone through", async () => {
    for (const operation of takingKeys()) {
      const { key } = await createTenantKey(api, { scopes: [operation.scope!] });
      const { status } = await send(operation, key);
      expect([401, 403], operation.operationId).not.toContain(status);
      expect(status, operation.operationId).toBeLessThan(500);
    }
  });

  test("refuses a revoked key", async () => {
    const { key, keyId } = await createTenantKey(api, { scopes: SCOPES });
    for (const operation of takingKeys().filter(({ method }) => method === "GET"))
      expect((await send(operation, key)).status, operation.operationId).not.toBe(401);
    await call(api.apiUrl, "DELETE", `/admin/api-keys/${keyId}`, { key: api.adminKey });
    await expectAll(keyed(), key, 401);
  });

  test("refuses the keys of a suspended tenant", async () => {
    const { key, tenantId } = await createTenantKey(api, { scopes: SCOPES });
    await api.db.pool.query("UPDATE app.tenants SET status = 'suspended' WHERE id = $1", [tenantId]);
    await expectAll(takingKeys(), key, 403);
  });

  test("takes no JSON Web Token of somebody's own making for a key", async () => {
    const segment = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = segment({ sub: "admin", scope: "admin", exp: 4_102_444_800 });
    for (const alg of ["none", "HS256"]) {
      const token = `${segment({ alg, typ: "JWT" })}.${claims}.${alg === "none" ? "" : "AAAA"}`;
      for (const operation of keyed()) {
        const answer = await send(operation, undefined, { Authorization: `Bearer ${token}` });
        expect(answer.status, operation.operationId).toBe(401);
      }
    }
  });

  test("shows another tenant nothing of what it names", async () => {
    const owner = await createTenantKey(api);
    const stranger = await createTenantKey(api);
    for (const operation of keyed().filter(({ scope }) => scope === "submit"))
      await send(operation, owner.key);
    for (const operation of keyed().filter(
      ({ scope, method, hasPathParameter }) => scope === "query" && method === "GET" && hasPathParameter,
    ))
      expect((await send(operation, stranger.key)).status, operation.operationId).toBe(404);
  });
});
