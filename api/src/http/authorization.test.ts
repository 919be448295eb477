import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAccountToken } from "#test/support/accountToken.ts";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { type Credentials, callOperation } from "#test/support/gate.ts";
import { listOperations, type OpenApiDocument, type Operation } from "#test/support/openapi.ts";
import { createApp } from "../app.ts";
import { createFolderStore } from "../consentGate/mediaStore.ts";
import { createJobQueue } from "../jobs/jobQueue.ts";
import { createMetrics } from "../operations/metrics.ts";
import { defineRoute, EXAMPLE_ID } from "./route.ts";

const SCOPES = ["submit", "query", "manage", "admin"];

let api: TestApi;
let operations: Operation[];

beforeAll(async () => {
  api = await startTestApi();
  const document: OpenApiDocument = (await call(api.apiUrl, "GET", "/openapi.json")).body;
  operations = listOperations(document);
});
afterAll(() => api.stop());

/** The documented example, signed with `hmacSecret` where a signature is needed. */
const send = (operation: Operation, key?: string, headers = {}, hmacSecret = "hs_0") =>
  callOperation(api.apiUrl, operation, { ...(key ? { key } : {}), hmacSecret, headers });

const sendWithToken = (operation: Operation, token: string) =>
  send(operation, undefined, { Authorization: `Bearer ${token}` });

let people = 0;
async function register(): Promise<{ token: string; tenant: { id: string } }> {
  const body = { name: "Acme", email: `dev${++people}@acme.example`, password: "correct horse battery" };
  const answer = await call(api.apiUrl, "POST", "/auth/register", { body });
  expect(answer.status).toBe(201);
  return answer.body;
}

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
        "getConsentV0KeysByFile",
        "getDocumentsById",
        "getHealth",
        "getMetrics",
        "getReady",
        "getReceiptByReceiptId",
        "getReceiptByReceiptIdPdf",
        "getReceiptV1",
        "getV1Chains",
        "getV1PublicKey",
        "getV1ReceiptsByHash",
        "getV1VerifyByHash",
        "getWellKnownJwksJson",
        "postApiConsentVerifyProof",
        "postAuthLogin",
        "postAuthProvision",
        "postAuthRegister",
        "postOauthToken",
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
        expect(JSON.stringify(answer.body)).toContain(`Required: ${operation.scope}`);
      }
    }
  });

  test("lets the key with its scope alone through", async () => {
    for (const operation of takingKeys()) {
      const { key, hmacSecret } = await createTenantKey(api, { scopes: [operation.scope!], hmac: true });
      const { status } = await send(operation, key, {}, hmacSecret);
      expect([401, 403], operation.operationId).not.toContain(status);
      expect(status, operation.operationId).toBeLessThan(500);
    }
  });

  test("refuses a revoked key", async () => {
    const { key, keyId, hmacSecret } = await createTenantKey(api, { scopes: SCOPES, hmac: true });
    for (const operation of takingKeys().filter(({ method }) => method === "GET"))
      expect((await send(operation, key, {}, hmacSecret)).status, operation.operationId).not.toBe(401);
    await call(api.apiUrl, "DELETE", `/admin/api-keys/${keyId}`, { key: api.adminKey });
    await expectAll(keyed(), key, 401);
  });

  test("refuses the keys of a suspended tenant", async () => {
    const { key, tenantId } = await createTenantKey(api, { scopes: SCOPES });
    await api.db.pool.query("UPDATE app.tenants SET status = 'suspended' WHERE id = $1", [tenantId]);
    await expectAll(takingKeys(), key, 403);
  });

  test("refuses the account of a suspended tenant", async () => {
    const { token, tenant } = await register();
    await api.db.pool.query("UPDATE app.tenants SET status = 'suspended' WHERE id = $1", [tenant.id]);
    for (const operation of keyed())
      expect((await sendWithToken(operation, token)).status, operation.operationId).toBe(403);
  });

  test("lets accounts read and manage, refuses them what is a program's or the operator's", async () => {
    const { token } = await register();
    for (const operation of keyed()) {
      const { status } = await sendWithToken(operation, token);
      const isInScope = ["query", "manage"].includes(operation.scope!);
      // Who has no secret to sign with is nobody there.
      expect(operation.takesAccount, operation.operationId).toBe(isInScope && operation.hmac === undefined);
      if (isInScope && operation.hmac) expect(status, operation.operationId).toBe(401);
      else if (operation.takesAccount) expect([401, 403], operation.operationId).not.toContain(status);
      else expect(status, operation.operationId).toBe(403);
    }
  });

  test("takes no JSON Web Token that is expired, unsigned (alg: none), or signed by HS256 with the public key", async () => {
    const { token } = await register();
    const { claims, sign, forged } = await openAccountToken(api, token);
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const me = operations.find(({ operationId }) => operationId === "getAuthMe")!;
    expect((await sendWithToken(me, await sign(claims))).status).toBe(200);
    const tokens = [
      await sign({ ...claims, iat: nowSeconds - 8 * 86_400, exp: nowSeconds - 1 }),
      ...forged(),
      ...madeUp(),
    ];
    for (const bad of tokens)
      for (const operation of keyed())
        expect((await sendWithToken(operation, bad)).status, `${operation.operationId} ${bad}`).toBe(401);
  });

  test("shows another tenant nothing of what it names, and lets it change nothing", async () => {
    const owner = await createTenantKey(api, ofSite("owner.example"));
    let stranger: Credentials | undefined;
    const named = await makeEverything(owner);
    // A path that names a person names nobody's thing: whoever asks means its own dealings with that person.
    const own = keyed().filter(
      ({ scope, path, parameters }) =>
        scope !== "admin" && parameters.some(isInPath) && !path.includes("{visitorId}"),
    );
    const ask = (operation: Operation, examplePath: string, credentials: Credentials) => {
      const exampleBody = ofTenant(operation.exampleBody, owner.tenantId);
      return callOperation(api.apiUrl, { ...operation, examplePath, exampleBody }, credentials);
    };
    // 400 where the name is no name of such a thing at all.
    for (const [place, [operation, path]] of own.flatMap(withPaths(named)).entries()) {
      // Nobody may change more keys in a minute.
      if (place % ASKED_BY_ONE === 0) stranger = await createTenantKey(api, ofSite("stranger.example"));
      const { status } = await ask(operation, path, stranger!);
      expect([400, 404], `${operation.method} ${path}`).toContain(status);
    }
    // What was refused was there to be had: the owner gets it, reads first, and deletes parts before wholes.
    const reached = new Set<string>();
    for (const [operation, path] of own.toSorted(readsFirst).flatMap(withPaths(named)))
      if (!reached.has(operation.operationId) && (await ask(operation, path, owner)).status < 300)
        reached.add(operation.operationId);
    expect([...reached]).toEqual(
      expect.arrayContaining([
        "getV1HashesByHash",
        "getV1VerificationsById",
        "deleteAdminApiKeysById",
        "postAdminApiKeysByIdSecrets",
        "deleteAdminApiKeysByIdSecretsBySecretId",
      ]),
    );
  });

  test("knows no tenant by name but the caller's own", async () => {
    const owner = await createTenantKey(api, { scopes: TENANT_SCOPES });
    const stranger = await createTenantKey(api, { scopes: TENANT_SCOPES });
    const naming = keyed().filter(
      ({ scope, exampleBody, parameters }) =>
        scope !== "admin" &&
        (Object.hasOwn((exampleBody as object) ?? {}, "tenantId") ||
          parameters.some(({ name }) => name === "tenantId")),
    );
    expect(naming.length).toBeGreaterThan(1);
    for (const operation of naming) {
      const path = operation.examplePath.replace(EXAMPLE_ID, owner.tenantId);
      const send = (key: string) =>
        call(api.apiUrl, operation.method, path, {
          key,
          body: ofTenant(operation.exampleBody, owner.tenantId),
        });
      expect((await send(stranger.key)).status, operation.operationId).toBe(404);
      expect((await send(owner.key)).status, operation.operationId).toBeLessThan(300);
    }
  });
});

describe("HA-20 a new route", () => {
  test("does not compile without a rule who may call it", () => {
    const route = { method: "get", path: "/v1/new", summary: "New", answers: {} } as const;
    // @ts-expect-error `access` has no default
    defineRoute({ ...route, handle: (c) => c.json({}) });
  });

  test("stands in the document, and so in these tests: nothing else is mounted", () => {
    const app = createApp({
      db: api.db,
      clock: () => new Date(),
      logger: pino({ level: "silent" }),
      countRequest: async () => ({ requests: 1, windowEndsInSeconds: 60 }),
      onKeyUsed: () => {},
      publicUrl: "http://127.0.0.1",
      trustedProxies: [],
      publicRateLimitPerMinute: 1,
      rpcTimeoutMs: 1_000,
      planLimits: { free: 1, basic: 1, pro: 1 },
      planRateLimits: { free: 1, basic: 1, pro: 1 },
      loginLimits: { perNetwork: 1, signUpsPerNetwork: 1, perAccountAndNetwork: 1, perAccountOfStrangers: 1 },
      metrics: createMetrics(),
      metricsToken: undefined,
      secretBox: null,
      jobs: createJobQueue(api.db, { supervise: false, logger: pino({ level: "silent" }) }),
      resolveName: async () => [],
      webhookAllowLoopback: false,
      exportFolder: ".",
      exportTenantBytesMax: 1,
      mediaTenantBytesMax: 1,
      mediaStore: createFolderStore("."),
      uploadFolder: ".",
      pdfSigner: null,
    });
    const described = new Set(operations.map(({ method, path }) => `${method} ${path}`));
    const mounted = app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    const undescribed = new Set(mounted.filter((route) => !described.has(route)));
    expect([...undescribed].sort()).toEqual([
      "GET /docs",
      "GET /docs/start.js",
      "GET /docs/swagger-ui-bundle.js",
      "GET /docs/swagger-ui.css",
      "GET /openapi.json",
    ]);
    expect([...described].filter((route) => !mounted.includes(route))).toEqual([]);
  });
});

const TENANT_SCOPES = ["submit", "query", "manage"];
const ORDER = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const readsFirst = (a: Operation, b: Operation) =>
  ORDER.indexOf(a.method) - ORDER.indexOf(b.method) || b.path.length - a.path.length;
const isInPath = ({ in: where }: { in: string }) => where === "path";

/** Tokens that somebody makes without any key of ours. */
function madeUp(): string[] {
  const segment = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = segment({ sub: "admin", scope: "admin", exp: 4_102_444_800 });
  return [
    `${segment({ alg: "none", typ: "JWT" })}.${claims}.`,
    `${segment({ alg: "HS256", typ: "JWT" })}.${claims}.AAAA`,
  ];
}

function ofTenant(body: unknown, tenantId: string): unknown {
  return body !== null && typeof body === "object" && "tenantId" in body ? { ...body, tenantId } : body;
}

/** Every path that an operation has with what the owner's things are called. */
const ofSite = (site: string) => ({ scopes: TENANT_SCOPES, site, hmac: true });
const ASKED_BY_ONE = 100;
const withPaths = (named: ReadonlySet<string>) => (operation: Operation) =>
  pathsOf(operation, named).map((path) => [operation, path] as const);

function pathsOf({ path, parameters }: Operation, named: ReadonlySet<string>): string[] {
  return parameters
    .filter(isInPath)
    .reduce(
      (paths, { name }) => paths.flatMap((one) => [...named].map((value) => one.replace(`{${name}}`, value))),
      [path],
    );
}

/** Makes all that a tenant's key can make by the document's examples. @returns what it is called in the answers. */
async function makeEverything(
  owner: Credentials & { tenantId: string; key: string; keyId: string },
): Promise<Set<string>> {
  const named = new Set<string>([owner.keyId]);
  const note = (value: unknown): void => {
    if (typeof value === "string" && value !== owner.tenantId && NAME.test(value)) named.add(value);
    else if (value !== null && typeof value === "object") Object.values(value).forEach(note);
  };
  const secret = await call(api.apiUrl, "POST", `/admin/api-keys/${owner.keyId}/secrets`, owner);
  note(secret.body);
  for (const operation of keyed().filter(({ method, scope }) => method === "POST" && scope !== "admin")) {
    const exampleBody = ofTenant(operation.exampleBody, owner.tenantId);
    const answer = await callOperation(api.apiUrl, { ...operation, exampleBody }, owner);
    if (answer.status < 300) note(answer.body);
  }
  return named;
}

/** Ids and hashes: what paths name things by. */
const NAME = /^(?:0x[0-9a-f]{64}|[0-9a-f]{8}-[0-9a-f-]{27}|[a-z]{2,4}_\w{8,40})$/;
