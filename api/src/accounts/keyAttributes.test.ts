import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowsHolding, startTestApi, TEST_SECRET, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { createSecretBox } from "../secrets/secretBox.ts";
import { apiKeySha256 } from "./apiKey.ts";
import { createApiKeyDirectory } from "./apiKeyDirectory.ts";
import { createKeySecretDirectory, readKeySecrets } from "./keySecretDirectory.ts";

let api: TestApi;
let tenantId: string;
beforeAll(async () => {
  api = await startTestApi();
  ({ tenantId } = await createTenantKey(api));
});
afterAll(() => api.stop());

const SECRET = /^hs_[0-9a-f]{64}$/;
const NOBODY = "0190aaaa-0000-7000-8000-000000000000";
const secretBox = createSecretBox([TEST_SECRET]);

const admin = (method: string, path: string, body?: unknown, origin = api.apiUrl) =>
  call(origin, method, path, { key: api.adminKey, body });
const createKey = async (body: object) =>
  admin("POST", "/admin/api-keys", { tenantId, name: "key", ...body });
const addSecret = (id: string, origin = api.apiUrl) =>
  admin("POST", `/admin/api-keys/${id}/secrets`, undefined, origin);
const deleteSecret = (id: string, secretId: string) =>
  admin("DELETE", `/admin/api-keys/${id}/secrets/${secretId}`);
const listed = async (id: string) =>
  (await admin("GET", `/admin/api-keys?tenantId=${tenantId}`)).body.data.find(
    (one: { id: string }) => one.id === id,
  );

describe("protocol §9 a key's attributes", () => {
  test("are none unless named", async () => {
    const { body } = await createKey({});
    const none = { site: null, requireSigning: false, requireTimestamp: false };
    expect(body).toMatchObject(none);
    expect(body).not.toHaveProperty("hmacSecret");
    expect(await listed(body.id)).toMatchObject({ ...none, hmacSecrets: [] });
  });

  test("are answered, listed, and known to whoever serves its requests", async () => {
    const { status, body } = await createKey({
      site: "Shop.Example",
      requireSigning: true,
      requireTimestamp: true,
      hmac: true,
    });
    expect(status).toBe(201);
    const attributes = { site: "shop.example", requireSigning: true, requireTimestamp: true };
    expect(body).toMatchObject({ ...attributes, hmacSecret: expect.stringMatching(SECRET) });
    const [secret] = (await listed(body.id)).hmacSecrets;
    expect(await listed(body.id)).toMatchObject({
      ...attributes,
      hmacSecrets: [{ id: expect.any(String), createdAt: body.createdAt }],
    });
    expect(Object.keys(secret)).toEqual(["id", "createdAt"]);
    const found = await createApiKeyDirectory(api.db).find(apiKeySha256(body.key));
    expect(found).toMatchObject({ id: body.id, ...attributes });
  });

  test.each([
    [{ site: "https://shop.example" }, "site"],
    [{ site: "" }, "site"],
    [{ site: 7 }, "site"],
    [{ requireSigning: "yes" }, "requireSigning"],
    [{ requireTimestamp: 1 }, "requireTimestamp"],
    [{ hmac: null }, "hmac"],
  ])("%j is refused by the name of the member", async (body, member) => {
    expect(await createKey(body)).toMatchObject({ status: 400, body: { member } });
  });
});

describe("protocol §9 HMAC secrets of a key", () => {
  test("are shown once, sealed in the database and nowhere in the log", async () => {
    const { body: key } = await createKey({ hmac: true });
    const { status, body: added } = await addSecret(key.id);
    expect(status).toBe(201);
    expect(added).toEqual({ id: expect.any(String), hmacSecret: expect.stringMatching(SECRET) });
    expect((await listed(key.id)).hmacSecrets.map(({ id }: { id: string }) => id)[1]).toBe(added.id);
    for (const { hmacSecret } of [key, added]) {
      const text = hmacSecret.slice(3);
      for (const spelled of [
        text,
        Buffer.from(hmacSecret).toString("hex"),
        Buffer.from(text).toString("hex"),
      ])
        expect(await rowsHolding(api.databaseUrl, spelled)).toEqual([]);
      expect(api.api.output()).not.toContain(text);
    }
    const secrets = await readKeySecrets(api.db, secretBox, { tenantId, apiKeyId: key.id });
    expect(secrets.map(({ secret }) => secret)).toEqual([key.hmacSecret, added.hmacSecret]);
  });

  test("open for their own key alone", async () => {
    const { body: one } = await createKey({ hmac: true });
    const { body: other } = await createKey({});
    await api.db.pool.query(
      "UPDATE app.api_key_secrets SET api_key_id = $2 WHERE tenant_id = $3 AND api_key_id = $1",
      [one.id, other.id, tenantId],
    );
    await expect(readKeySecrets(api.db, secretBox, { tenantId, apiKeyId: other.id })).rejects.toThrow(
      "api-key-secret:",
    );
  });

  test("are five at most, however many are asked for at once and of whichever process", async () => {
    const second = await api.startApi();
    const { body: key } = await createKey({ hmac: true });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => addSecret(key.id, index % 2 ? api.apiUrl : second.url)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array(4).fill(201),
      ...Array(8).fill(409),
    ]);
    expect(answers.find(({ status }) => status === 409)!.body).toEqual({
      error: "A key has at most 5 secrets; delete one first",
    });
    const { hmacSecrets } = await listed(key.id);
    expect(hmacSecrets).toHaveLength(5);
    expect((await deleteSecret(key.id, hmacSecrets[0].id)).status).toBe(204);
    expect((await addSecret(key.id)).status).toBe(201);
    expect((await addSecret(key.id)).status).toBe(409);
    await second.process.stop();
  });

  test("are remembered, and dead at once after their deletion, in every process", async () => {
    const { body: key } = await createKey({ hmac: true });
    const directories = [0, 1].map(() => ({
      keys: createApiKeyDirectory(api.db),
      secretsOf: createKeySecretDirectory(api.db, secretBox),
    }));
    const secrets = () =>
      Promise.all(
        directories.map(async ({ keys, secretsOf }) => {
          const found = (await keys.find(apiKeySha256(key.key)))!;
          return (await secretsOf({ ...found, apiKeyId: found.id })).map(({ secret }) => secret);
        }),
      );
    expect(await secrets()).toEqual([[key.hmacSecret], [key.hmacSecret]]);
    const { body: added } = await addSecret(key.id);
    const both = [key.hmacSecret, added.hmacSecret];
    expect(await secrets()).toEqual([both, both]);
    const [first] = (await listed(key.id)).hmacSecrets;
    await deleteSecret(key.id, first.id);
    expect(await secrets()).toEqual([[added.hmacSecret], [added.hmacSecret]]);

    const [{ keys, secretsOf }] = directories as [(typeof directories)[number]];
    const found = (await keys.find(apiKeySha256(key.key)))!;
    const once = await secretsOf({ ...found, apiKeyId: found.id });
    expect(await secretsOf({ ...found, apiKeyId: found.id })).toBe(once);
    expect(await secretsOf({ ...found, apiKeyId: null })).toEqual([]);
  });

  test("go with their key when it is revoked, and it takes no other", async () => {
    const { body: key } = await createKey({ hmac: true });
    await admin("DELETE", `/admin/api-keys/${key.id}`);
    expect((await listed(key.id)).hmacSecrets).toEqual([]);
    expect(await addSecret(key.id)).toMatchObject({ status: 409, body: { error: "The API key is revoked" } });
  });

  test("are nobody's that does not manage the key", async () => {
    const manager = await createTenantKey(api, { scopes: ["manage"] });
    const { body: key } = await createKey({ hmac: true });
    const [secret] = (await listed(key.id)).hmacSecrets;
    const stranger = (method: string, path: string) => call(api.apiUrl, method, path, { key: manager.key });
    const path = `/admin/api-keys/${key.id}/secrets`;
    expect((await stranger("POST", path)).status).toBe(404);
    expect((await stranger("DELETE", `${path}/${secret.id}`)).status).toBe(404);
    expect((await stranger("DELETE", `/admin/api-keys/${manager.keyId}/secrets/${secret.id}`)).status).toBe(
      404,
    );
    expect((await stranger("POST", `/admin/api-keys/${manager.keyId}/secrets`)).status).toBe(201);
    expect((await listed(key.id)).hmacSecrets).toHaveLength(1);
    const all = await admin("POST", "/admin/api-keys", {
      tenantId: manager.tenantId,
      name: "all",
      scopes: ["admin"],
    });
    expect((await stranger("POST", `/admin/api-keys/${all.body.id}/secrets`)).status).toBe(403);
  });

  test("that nobody knows, and keys that nobody knows, are a 404", async () => {
    const { body: key } = await createKey({});
    for (const id of [NOBODY, "key"]) {
      expect(await addSecret(id)).toMatchObject({ status: 404, body: { error: "API key not found" } });
      expect(await deleteSecret(id, NOBODY)).toMatchObject({
        status: 404,
        body: { error: "API key not found" },
      });
      expect(await deleteSecret(key.id, id)).toMatchObject({
        status: 404,
        body: { error: "HMAC secret not found" },
      });
    }
  });

  test("need a secret to seal them with, and nothing is made without", async () => {
    const bare = await api.startApi({ CHAIN_KEY_ENCRYPTION_SECRET: "" });
    const before = (await admin("GET", `/admin/api-keys?tenantId=${tenantId}`)).body.data.length;
    const body = { tenantId, name: "key", hmac: true };
    expect(await admin("POST", "/admin/api-keys", body, bare.url)).toMatchObject({
      status: 503,
      body: { error: "HMAC secrets are not configured on this server" },
    });
    const { body: key } = await createKey({});
    expect((await addSecret(key.id, bare.url)).status).toBe(503);
    expect((await admin("GET", `/admin/api-keys?tenantId=${tenantId}`)).body.data).toHaveLength(before + 1);
    await bare.process.stop();
  });
});
