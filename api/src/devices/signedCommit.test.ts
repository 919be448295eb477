import type { PoolClient } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { createDeviceSigner, type DeviceSigner, digitsOf } from "#test/support/deviceSigner.ts";
import { startPostgresProxy } from "#test/support/postgresProxy.ts";
import { until } from "#test/support/until.ts";
import { connectDatabase, type Database } from "../db/client.ts";

// What commits together, and what comes first when a device's end and its submission meet.

let api: TestApi;
let db: Database;
let key: string;
let tenantId: string;

beforeAll(async () => {
  api = await startTestApi();
  db = connectDatabase({
    url: api.databaseUrl,
    connectionsMax: 4,
    statementTimeoutMs: 30_000,
    onError: () => {},
  });
  ({ key, tenantId } = await createTenantKey(api, { scopes: ["submit", "query"] }));
});
afterAll(async () => {
  await db.pool.end();
  await api.stop();
});

type Device = { name: string; id: string; signer: DeviceSigner };
let named = 0;

async function newDevice(): Promise<Device> {
  const signer = createDeviceSigner("ed25519");
  const name = `sensor-${++named}`;
  const body = { deviceId: name, publicKey: digitsOf(signer.publicKey) };
  const answer = await call(api.apiUrl, "POST", "/v1/device/register", { key, body });
  return { name, id: answer.body.id, signer };
}

function submitSigned({ name, signer }: Device, hash = randomHash(), origin = api.apiUrl) {
  const body = { deviceId: name, hash, signature: signer.signHash(hash) };
  return call(origin, "POST", "/v1/device/submit-signed", { key, body });
}
const revoke = ({ name }: Device) => call(api.apiUrl, "DELETE", `/v1/device/${name}`, { key });
const historyOf = async ({ name }: Device) =>
  (await call(api.apiUrl, "GET", `/v1/device/${name}/history?limit=100`, { key })).body;
const bytesOf = (hash: string) => Buffer.from(hash.slice(2), "hex");

/** Everything that one accepted signed hash leaves. */
async function tracesOf(device: Device, hash: string) {
  const values = [tenantId, device.id, bytesOf(hash), hash];
  const { rows } = await db.pool.query(
    `SELECT (SELECT count(*) FROM app.submissions WHERE tenant_id = $1 AND content_hash = $3) AS submissions,
       (SELECT count(*) FROM app.device_submissions WHERE tenant_id = $1 AND device_id = $2 AND content_hash = $3) AS signed,
       (SELECT submissions FROM app.devices WHERE tenant_id = $1 AND id = $2) AS counted,
       (SELECT array_agg(status_code ORDER BY request_id) FROM app.audit_logs WHERE tenant_id = $1 AND resource_id = $4) AS audited`,
    values,
  );
  return rows[0];
}

async function quotaUsed(): Promise<number> {
  return (await call(api.apiUrl, "GET", "/v1/quota", { key })).body.monthly.used;
}

/** Runs `work` on a connection that holds what `lock` locks; it ends with a COMMIT. */
async function holding(lock: string, values: unknown[], work: (tx: PoolClient) => Promise<void>) {
  const tx = await db.pool.connect();
  try {
    await tx.query("BEGIN");
    await tx.query(lock, values);
    await work(tx);
    await tx.query("COMMIT");
  } finally {
    await tx.query("ROLLBACK");
    tx.release();
  }
}

const LOCK_DEVICE = "SELECT FROM app.devices WHERE id = $1 FOR UPDATE";
const waiters = async () =>
  (await db.pool.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'")).rows.length;

describe("HA-19 a submission that was checked, but not stored yet", () => {
  test("is refused when the device is revoked before it is stored: nothing of it stays", async () => {
    const device = await newDevice();
    const hash = randomHash();
    const used = await quotaUsed();
    let answer: ReturnType<typeof call>;
    await holding(LOCK_DEVICE, [device.id], async (tx) => {
      answer = submitSigned(device, hash);
      await until(async () => (await waiters()) === 1);
      await tx.query("UPDATE app.devices SET revoked_at = now() WHERE id = $1", [device.id]);
    });
    expect(await answer!).toMatchObject({ status: 403, body: { error: "Device revoked" } });
    expect(await tracesOf(device, hash)).toEqual({ submissions: 0, signed: 0, counted: 0, audited: [403] });
    expect(await quotaUsed()).toBe(used);
  });

  test("is checked again when the device gets another key before it is stored: the old one's signature is refused", async () => {
    const device = await newDevice();
    const hash = randomHash();
    let answer: ReturnType<typeof call>;
    await holding(LOCK_DEVICE, [device.id], async (tx) => {
      answer = submitSigned(device, hash);
      await until(async () => (await waiters()) === 1);
      await tx.query("UPDATE app.device_keys SET valid_until = now() WHERE device_id = $1", [device.id]);
      await tx.query(
        `WITH key AS (
           INSERT INTO app.device_keys (tenant_id, device_id, id, algorithm, public_key, valid_from)
           SELECT $1, $2, gen_random_uuid(), 'ed25519', $3, now() RETURNING id
         ) UPDATE app.devices SET key_id = key.id FROM key WHERE devices.id = $2`,
        [tenantId, device.id, Buffer.from(createDeviceSigner("ed25519").publicKey)],
      );
    });
    expect(await answer!).toMatchObject({ status: 400, body: { signatureVerified: false } });
    expect(await tracesOf(device, hash)).toEqual({ submissions: 0, signed: 0, counted: 0, audited: [400] });
  });

  test("goes through when the device changed in nothing that matters, and so do those that waited with it", async () => {
    const [device, ended] = [await newDevice(), await newDevice()];
    const hashes = Array.from({ length: 6 }, randomHash);
    let answers: Promise<{ status: number }[]>;
    await holding(
      "SELECT FROM app.devices WHERE id = ANY($1) FOR UPDATE",
      [[device.id, ended.id]],
      async (tx) => {
        // The first goes alone; the others wait behind it and share a statement with one whose device has come to its end.
        answers = Promise.all([
          submitSigned(device, hashes[0]),
          ...hashes.slice(1).map((hash) => submitSigned(device, hash)),
          submitSigned(ended),
        ]);
        await until(async () => (await waiters()) === 1);
        await tx.query("UPDATE app.devices SET metadata = '{}' WHERE id = $1", [device.id]);
        await tx.query("UPDATE app.devices SET revoked_at = now() WHERE id = $1", [ended.id]);
      },
    );
    expect((await answers!).map(({ status }) => status)).toEqual([...hashes.map(() => 202), 403]);
    expect((await historyOf(device)).pagination.total).toBe(6);
  });

  test("comes before a revocation that it was ahead of, in its date too", async () => {
    const device = await newDevice();
    const hash = randomHash();
    // Somebody else's insert of the same hash, which never commits, holds the submission with the device's lock in its hands.
    const tx = await db.pool.connect();
    await tx.query("BEGIN");
    await tx.query(
      "INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, created_at) VALUES ($1, $2, gen_random_uuid(), 1, now())",
      [bytesOf(hash), tenantId],
    );
    const answers = [submitSigned(device, hash)];
    await until(async () => (await waiters()) === 1);
    answers.push(revoke(device));
    await until(async () => (await waiters()) === 2);
    await tx.query("ROLLBACK");
    tx.release();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([202, 204]);
    const { rows } = await db.pool.query(
      `SELECT device.revoked_at >= signed.created_at AS is_later, key.valid_until = device.revoked_at AS is_keys_end
       FROM app.devices device JOIN app.device_submissions signed ON signed.device_id = device.id
       JOIN app.device_keys key ON key.device_id = device.id WHERE device.id = $1`,
      [device.id],
    );
    expect(rows).toEqual([{ is_later: true, is_keys_end: true }]);
    expect((await submitSigned(device)).status).toBe(403);
  });
});

test("HA-19 a revocation is not dated before what it follows, and a submission not before its key, by whatever clocks", async () => {
  const device = await newDevice();
  await submitSigned(device);
  const ahead = "UPDATE app.devices SET last_submitted_at = '2999-01-01T00:00:00Z' WHERE id = $1";
  await db.pool.query(ahead, [device.id]);
  const next = createDeviceSigner("ed25519");
  const body = { publicKey: digitsOf(next.publicKey) };
  await call(api.apiUrl, "PUT", `/v1/device/${device.name}/key`, { key, body });
  expect((await submitSigned({ ...device, signer: next })).status).toBe(202);
  expect((await historyOf(device)).data[0].createdAt).toBe("2999-01-01T00:00:00.000Z");
  await revoke(device);
  const { body: told } = await call(api.apiUrl, "GET", `/v1/device/${device.name}/key`, { key });
  expect(told.keys).toMatchObject([
    { validFrom: "2999-01-01T00:00:00.000Z", validUntil: "2999-01-01T00:00:00.000Z" },
    { validUntil: "2999-01-01T00:00:00.000Z" },
  ]);
});

test("HA-19 devices that submit, are revoked and rotated at once through two processes: what was said is what is stored", async () => {
  const second = await api.startApi();
  const devices = await Promise.all(Array.from({ length: 4 }, newDevice));
  const shared = Array.from({ length: 10 }, randomHash); // two processes, several devices, one hash: no deadlock
  const submitting = devices.map((device) =>
    Promise.all(
      [...shared, ...Array.from({ length: 20 }, randomHash)].map((hash, index) =>
        submitSigned(device, hash, index % 2 === 0 ? api.apiUrl : second.url),
      ),
    ),
  );
  const next = createDeviceSigner("ed25519");
  const rotating = call(second.url, "PUT", `/v1/device/${devices[1]!.name}/key`, {
    key,
    body: { publicKey: digitsOf(next.publicKey) },
  });
  const ending = [revoke(devices[0]!), rotating];
  expect((await Promise.all(ending)).map(({ status }) => status)).toEqual([204, 200]);
  for (const [index, answers] of (await Promise.all(submitting)).entries()) {
    const device = devices[index]!;
    const taken = answers.filter(({ status }) => status === 202 || status === 200);
    const refusals = new Set(answers.map(({ status }) => status).filter((status) => status >= 300));
    expect([...refusals]).toEqual(refusals.size === 0 ? [] : [index === 0 ? 403 : 400]);
    expect((await historyOf(device)).pagination.total).toBe(taken.length);
    expect(index < 2 || taken.length === 30).toBe(true);
  }
  const { rows } = await db.pool.query(
    `SELECT FROM app.device_submissions signed JOIN app.device_keys key ON key.id = signed.key_id
     WHERE signed.created_at < key.valid_from OR signed.created_at > key.valid_until`,
  );
  expect(rows).toEqual([]);
  await second.process.stop();
});

describe("HA-19 submission, quota, audit row and signature stand together or not at all", () => {
  const ACCEPT_SIGNED = /INSERT INTO app\.device_submissions/;

  test.each([
    { stored: false, retried: 202 },
    { stored: true, retried: 200 },
  ])("when the database hangs up (stored: $stored) a retry ends in $retried", async ({ stored, retried }) => {
    const proxy = await startPostgresProxy({ databaseUrl: api.databaseUrl });
    const behind = await api.startApi({ DATABASE_URL: proxy.url });
    const device = await newDevice();
    const hash = randomHash();
    const used = await quotaUsed();
    const fault = proxy.addFault({ matching: ACCEPT_SIGNED, stored });
    expect((await submitSigned(device, hash, behind.url)).status).toBe(503);
    await fault.done;
    const count = Number(stored);
    expect(await tracesOf(device, hash)).toEqual({
      submissions: count,
      signed: count,
      counted: count,
      audited: [stored ? 202 : 503],
    });
    expect(await quotaUsed()).toBe(used + count);
    expect(await submitSigned(device, hash, behind.url)).toMatchObject({ status: retried });
    expect(await tracesOf(device, hash)).toMatchObject({ submissions: 1, signed: 1, counted: 1 });
    await behind.process.stop();
    await proxy.stop();
  });

  test("when the API is killed", async () => {
    const victim = await api.startApi();
    const device = await newDevice();
    const hashes = Array.from({ length: 60 }, randomHash);
    const answers = hashes.map((hash) =>
      submitSigned(device, hash, victim.url).then(
        ({ status }) => status,
        () => null,
      ),
    );
    await until(async () => (await historyOf(device)).pagination.total > 0);
    await victim.process.kill9();
    for (const [index, status] of (await Promise.all(answers)).entries()) {
      const { submissions, signed } = await tracesOf(device, hashes[index]!);
      expect(signed).toBe(submissions);
      if (status === 202) expect(signed).toBe(1);
    }
    const { data, pagination } = await historyOf(device);
    expect(data).toHaveLength(pagination.total);
  });
});
