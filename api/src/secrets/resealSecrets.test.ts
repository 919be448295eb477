import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { startTestApi, TEST_SECRET, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { type PostgresProxy, startPostgresProxy } from "#test/support/postgresProxy.ts";
import { startProcess } from "#test/support/process.ts";
import { accountTokenKeyContext } from "../accounts/accountTokens.ts";
import { openKeySecret } from "../accounts/keySecret.ts";
import { openPublisherKey, sealPublisherKey } from "../chain/publisherKey.ts";
import { openWebhookSecret } from "../webhooks/webhookSecret.ts";
import { resealSecrets } from "./resealSecrets.ts";
import { createSecretBox } from "./secretBox.ts";

const NEW_SECRET = "the secret that comes after the first one";
const KEYS = {
  101: `0x${"11".repeat(32)}`,
  102: `0x${"22".repeat(32)}`,
  103: `0x${"33".repeat(32)}`,
} as const;

let api: TestApi;
let database: PostgresProxy;

afterAll(async () => {
  await api.stop();
  await database.stop();
});
beforeEach(async () => {
  api ??= await startTestApi();
  database ??= await startPostgresProxy({ databaseUrl: api.databaseUrl });
  const box = createSecretBox([TEST_SECRET]);
  await api.db.pool.query("DELETE FROM app.chains WHERE private_key IS NOT NULL");
  await api.db.pool.query("TRUNCATE app.account_token_keys");
  await api.db.pool.query("DELETE FROM app.webhooks");
  for (const [chainId, key] of Object.entries(KEYS))
    await api.db.pool.query(
      `INSERT INTO app.chains (chain_id, name, rpc_url, contract_address, publisher, confirmations, private_key)
       VALUES ($1, 'sealed', 'http://127.0.0.1:9', $2, $2, 1, $3)`,
      [chainId, Buffer.alloc(20, 1), sealPublisherKey(box, Number(chainId), key)],
    );
  const person = {
    name: "Acme",
    email: `${crypto.randomUUID()}@acme.example`,
    password: "correct horse battery",
  };
  expect((await call(api.apiUrl, "POST", "/auth/register", { body: person })).status).toBe(201);
  const webhook = { url: "https://hooks.invalid/", secret: "a secret of a receiver" };
  const made = await call(api.apiUrl, "POST", "/v1/webhooks", { key: api.adminKey, body: webhook });
  expect(made.status).toBe(201);
  await api.db.pool.query("TRUNCATE app.api_key_secrets");
  const { keyId } = await createTenantKey(api);
  const added = await call(api.apiUrl, "POST", `/admin/api-keys/${keyId}/secrets`, { key: api.adminKey });
  expect(added.status).toBe(201);
});

/** Every sealed value, opened; throws when one does not open. */
async function openAll(...boxSecrets: string[]): Promise<string[]> {
  const box = createSecretBox(boxSecrets);
  const chains = await api.db.pool.query("SELECT * FROM app.chains WHERE private_key IS NOT NULL ORDER BY 1");
  const tokens = await api.db.pool.query("SELECT * FROM app.account_token_keys ORDER BY 1");
  const webhooks = await api.db.pool.query("SELECT * FROM app.webhooks ORDER BY id");
  const secrets = await api.db.pool.query<{ api_key_id: string; id: string; sealed: Buffer }>(
    "SELECT * FROM app.api_key_secrets",
  );
  expect([chains.rows.length, tokens.rows.length, secrets.rows.length, webhooks.rows.length]).toEqual([
    3, 1, 1, 1,
  ]);
  return [
    ...chains.rows.map((row) => openPublisherKey(box, row.chain_id, row.private_key)),
    ...tokens.rows.map((row) => box.open(row.private_key, accountTokenKeyContext(row.kid)).toString()),
    ...secrets.rows.map(({ api_key_id: apiKeyId, id, sealed }) =>
      openKeySecret(box, { apiKeyId, id, sealed }),
    ),
    ...webhooks.rows.map((row) => openWebhookSecret(box, row.id, row.secret)),
  ];
}

const command = (secrets: string, url = api.databaseUrl) =>
  startProcess("scripts/resealSecrets.ts", {
    env: { DATABASE_URL: url, CHAIN_KEY_ENCRYPTION_SECRET: secrets },
  });

describe("HA-17 the reseal command", () => {
  test("seals every value with the new secret, after which the old one opens nothing", async () => {
    const before = await openAll(TEST_SECRET);
    const first = command(`${NEW_SECRET},${TEST_SECRET}`);
    expect(await first.exited).toEqual({ code: 0, signal: null });
    expect(first.output()).toContain("5 sealed anew, 0 were already, 0 do not open");
    expect(await openAll(NEW_SECRET)).toEqual(before);
    await expect(openAll(TEST_SECRET)).rejects.toThrow();
    const again = command(`${NEW_SECRET},${TEST_SECRET}`);
    expect(await again.exited).toEqual({ code: 0, signal: null });
    expect(again.output()).toContain("0 sealed anew, 5 were already");
    for (const key of before) expect(first.output()).not.toContain(key);
  });

  test.each([
    { fate: "is not stored", stored: false },
    { fate: "is stored", stored: true },
  ])("may be killed at each write, which then $fate", async ({ stored }) => {
    const before = await openAll(TEST_SECRET);
    let kills = 0;
    for (let isDone = false; !isDone; kills++) {
      const running = command(`${NEW_SECRET},${TEST_SECRET}`, database.url);
      const fault = database.addFault({
        matching: /^UPDATE/,
        nth: 2,
        stored,
        meanwhile: () => running.kill9(),
      });
      isDone = (await running.exited).code === 0;
      fault.remove();
      expect(await openAll(NEW_SECRET, TEST_SECRET)).toEqual(before);
    }
    expect(kills).toBeGreaterThan(1);
    expect(await openAll(NEW_SECRET)).toEqual(before);
  });

  test("run twice at once changes each value once, to one that opens", async () => {
    const before = await openAll(TEST_SECRET);
    const box = createSecretBox([NEW_SECRET, TEST_SECRET]);
    await Promise.all([resealSecrets(api.db, box), resealSecrets(api.db, box)]);
    expect(await openAll(NEW_SECRET)).toEqual(before);
  });

  test("names what none of the secrets opens, leaves it as it is, and ends with 1", async () => {
    const foreign = createSecretBox(["a secret that nobody has given to the command"]);
    await api.db.pool.query("UPDATE app.chains SET private_key = $1 WHERE chain_id = 102", [
      sealPublisherKey(foreign, 102, KEYS[102]),
    ]);
    const running = command(`${NEW_SECRET},${TEST_SECRET}`);
    expect(await running.exited).toEqual({ code: 1, signal: null });
    expect(running.output()).toContain("4 sealed anew, 0 were already, 1 do not open");
    expect(running.output()).toContain("does not open: chain:102");
    const { rows } = await api.db.pool.query("SELECT private_key FROM app.chains WHERE chain_id = 102");
    expect(openPublisherKey(foreign, 102, rows[0].private_key)).toBe(KEYS[102]);
  });

  test("without a secret says what to set", async () => {
    const running = command("");
    expect(await running.exited).toEqual({ code: 2, signal: null });
    expect(running.output()).toContain("Set CHAIN_KEY_ENCRYPTION_SECRET");
  });
});
