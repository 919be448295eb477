import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call } from "#test/support/client.ts";
import { callSigned, hmacOf } from "#test/support/gate.ts";
import { createGateTenant, type GateTenant, submitVerification } from "#test/support/openGate.ts";
import { answer, type Receiver, startReceiver } from "#test/support/receiver.ts";
import { until } from "#test/support/until.ts";
import { startWebhookWorker, type WebhookWorker } from "#test/support/webhookWorker.ts";

let folder: string;
let api: TestApi;
let tenant: GateTenant;
let receiver: Receiver;
let worker: WebhookWorker;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-media-"));
  api = await startTestApi({ WEBHOOK_ALLOW_LOOPBACK: "1", MEDIA_FOLDER: folder });
  tenant = await createGateTenant(api);
});
afterAll(async () => {
  await api.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  receiver = await startReceiver();
  worker = await startWebhookWorker(api.databaseUrl);
});
afterEach(async () => {
  await receiver.stop();
  await worker.stop();
});

const submit = (body: object = {}) =>
  submitVerification(api.apiUrl, tenant, { callback_url: receiver.url, external_id: "user-9", ...body });
const callbackOf = async (id: string) => {
  const { rows } = await api.db.pool.query(
    `SELECT * FROM app.gate_callbacks WHERE 'ver_' || replace(verification_id::text, '-', '') = $1`,
    [id],
  );
  return rows[0];
};
const untilStatus = (id: string, status: string) =>
  until(async () => ((await callbackOf(id)).status === status ? callbackOf(id) : null), {
    deadlineMs: 60_000,
  });

test("PA-9 the callback is signed with the key's oldest secret over the time and the raw body", async () => {
  await call(api.apiUrl, "POST", `/admin/api-keys/${tenant.keyId}/secrets`, { key: tenant.key, body: {} });
  const id = await submit();
  expect(await untilStatus(id, "delivered")).toMatchObject({ attempt: 1, http_status: 204, error: null });
  const [received] = receiver.calls;
  const timestamp = String(received!.headers["x-timestamp"]);
  expect(Math.abs(Number(timestamp) - Date.now() / 1_000)).toBeLessThan(60);
  expect(received!.headers).toMatchObject({
    "content-type": "application/json",
    "x-auth-client": tenant.keyId,
    "x-hmac-signature": hmacOf(tenant.hmacSecret, `${timestamp}.${received!.body}`),
  });
  expect(JSON.parse(received!.body)).toMatchObject({
    id: expect.any(String),
    type: "verification.submitted",
    createdAt: expect.any(String),
    data: {
      id,
      status: "submitted",
      external_id: "user-9",
      consent: { version: "2026-01-15" },
      media: [{ type: "selfie" }],
    },
  });
  expect(worker.log.join("")).not.toContain(tenant.hmacSecret);
});

test("PA-9 a submission that is repeated calls once", async () => {
  const id = await submit();
  await callSigned(api.apiUrl, "POST", `/v1/verifications/${id}/submit`, tenant);
  await untilStatus(id, "delivered");
  expect(receiver.calls).toHaveLength(1);
});

test("PA-9 it is made again after a failure, then is a dead letter, which an operator retries", async () => {
  receiver.behave(answer(500));
  const id = await submit();
  await until(() => receiver.calls.length === 1);
  // The last attempt at once, without the pauses; those are HA-11's own test.
  await until(async () => (await callbackOf(id)).attempt === 1);
  await api.db.pool.query("UPDATE app.gate_callbacks SET attempt = 3");
  expect(await untilStatus(id, "dead")).toMatchObject({ attempt: 4, error: "answered 500" });
  const letters = (await call(api.apiUrl, "GET", "/admin/dlq", { key: api.adminKey })).body.data;
  const letter = letters.find(
    ({ data }: { data: { tenantId: string } }) => data.tenantId === tenant.tenantId,
  );
  expect(letter.data).toMatchObject({ queue: "gate-callback", error: "answered 500" });
  receiver.behave(answer(200));
  await call(api.apiUrl, "POST", `/admin/dlq/${letter.id}/retry`, { key: api.adminKey });
  expect(await untilStatus(id, "delivered")).toMatchObject({ attempt: 1 });
  expect((await callSigned(api.apiUrl, "GET", `/v1/verifications/${id}`, tenant)).body.data.callback).toEqual(
    {
      status: "delivered",
      attempts: 1,
      attempted_at: expect.any(String),
      http_status: 200,
      error: null,
    },
  );
  const ids = receiver.calls.map(({ body }) => JSON.parse(body).id);
  expect(new Set(ids).size).toBe(1);
});

test("PA-9 nothing is sent of a person who was erased, nor when the key was revoked", async () => {
  await worker.stop();
  const erased = await submit({ external_id: "user-gone" });
  await call(api.apiUrl, "POST", "/v1/consents/erasures", { key: tenant.key, body: { person: "user-gone" } });
  const other = await createGateTenant(api);
  const keyless = await submitVerification(api.apiUrl, other, { callback_url: receiver.url });
  await call(api.apiUrl, "DELETE", `/admin/api-keys/${other.keyId}`, { key: api.adminKey });
  worker = await startWebhookWorker(api.databaseUrl);
  expect(await untilStatus(erased, "cancelled")).toMatchObject({ error: "the person was erased" });
  await until(async () => (await callbackOf(keyless)).attempt === 1);
  expect(await callbackOf(keyless)).toMatchObject({ error: "the key has no secret that can be opened here" });
  expect(receiver.connections()).toBe(0);
});

test("PA-9 the key that submits signs, also when the one that opened the verification was revoked since", async () => {
  const opener = await createGateTenant(api);
  const made = await call(api.apiUrl, "POST", "/admin/api-keys", {
    key: api.adminKey,
    body: { tenantId: opener.tenantId, name: "Next", scopes: ["submit", "query"], hmac: true },
  });
  const successor = { ...opener, key: made.body.key, keyId: made.body.id, hmacSecret: made.body.hmacSecret };
  const id = await submitVerification(api.apiUrl, opener, { callback_url: receiver.url }, successor);
  await call(api.apiUrl, "DELETE", `/admin/api-keys/${opener.keyId}`, { key: api.adminKey });
  expect(await untilStatus(id, "delivered")).toMatchObject({ http_status: 204 });
  expect(receiver.calls[0]!.headers["x-auth-client"]).toBe(successor.keyId);
});
