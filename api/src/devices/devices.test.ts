import { randomBytes } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEVICE_ALGORITHMS, type DeviceAlgorithm } from "#protocol/deviceSignature.ts";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { createDeviceSigner, type DeviceSigner, digitsOf } from "#test/support/deviceSigner.ts";
import { checkInvariants } from "../pipeline/checkInvariants.ts";

let api: TestApi;
let key: string;
let tenantId: string;

beforeAll(async () => {
  api = await startTestApi();
  ({ key, tenantId } = await createTenantKey(api, { scopes: ["submit"] }));
});
afterAll(() => api.stop());

let named = 0;
const newName = () => `sensor ${++named}/é`;
const pathOf = (name: string, more = "") => `/v1/device/${encodeURIComponent(name)}${more}`;

const register = (body: unknown, as = key) =>
  call(api.apiUrl, "POST", "/v1/device/register", { key: as, body });
const submitSigned = (body: unknown, as = key) =>
  call(api.apiUrl, "POST", "/v1/device/submit-signed", { key: as, body });
const rotate = (name: string, body: unknown, as = key) =>
  call(api.apiUrl, "PUT", pathOf(name, "/key"), { key: as, body });
const revoke = (name: string, as = key) => call(api.apiUrl, "DELETE", pathOf(name), { key: as });
const history = (name: string, query = "", as = key) =>
  call(api.apiUrl, "GET", pathOf(name, `/history${query}`), { key: as });

type Device = { name: string; signer: DeviceSigner };

async function newDevice(algorithm: DeviceAlgorithm = "ed25519", as = key): Promise<Device> {
  const signer = createDeviceSigner(algorithm);
  const name = newName();
  const body = { deviceId: name, publicKey: digitsOf(signer.publicKey), algorithm };
  expect((await register(body, as)).status).toBe(201);
  return { name, signer };
}

const signed = ({ name, signer }: Device, hash = randomHash(), more: object = {}) => ({
  deviceId: name,
  hash,
  signature: signer.signHash(hash),
  ...more,
});

async function submissionsOf(hash: string): Promise<number> {
  const { rows } = await api.db.pool.query("SELECT FROM app.submissions WHERE content_hash = $1", [
    Buffer.from(hash.slice(2), "hex"),
  ]);
  return rows.length;
}

describe("HA-19 a device is registered", () => {
  test.each(DEVICE_ALGORITHMS)("with a key of %s", async (algorithm) => {
    const { publicKey } = createDeviceSigner(algorithm);
    const name = newName();
    const metadata = { location: "factory-A" };
    const answer = await register({ deviceId: name, publicKey: digitsOf(publicKey), algorithm, metadata });
    expect(answer).toMatchObject({ status: 201, body: { deviceId: name, algorithm, status: "active" } });
    const { data } = (await call(api.apiUrl, "GET", "/v1/device/list", { key })).body;
    expect(data.find((device: { id: string }) => device.id === answer.body.id)).toMatchObject({
      deviceId: name,
      algorithm,
      status: "active",
      publicKey: digitsOf(publicKey),
      metadata,
      submissions: 0,
      lastSubmittedAt: null,
      revokedAt: null,
    });
  });

  test("with ed25519 where no algorithm is named", async () => {
    const publicKey = digitsOf(createDeviceSigner("ed25519").publicKey);
    expect((await register({ deviceId: newName(), publicKey })).body.algorithm).toBe("ed25519");
  });

  test.each([
    ["0x and upper case", (digits: string) => `0x${digits.toUpperCase()}`],
    ["no 0x and mixed case", (digits: string) => digits.replace("a", "A")],
  ])("with a key in hex of %s", async (_, spell) => {
    for (const algorithm of DEVICE_ALGORITHMS) {
      const { publicKey } = createDeviceSigner(algorithm);
      const deviceId = newName();
      const answer = await register({ deviceId, publicKey: spell(digitsOf(publicKey)), algorithm });
      expect(answer).toMatchObject({ status: 201, body: { publicKey: digitsOf(publicKey) } });
    }
  });

  test("with an uncompressed secp256k1 key, under which it signs as under the compressed one", async () => {
    const signer = createDeviceSigner("secp256k1");
    const uncompressed = secp256k1.Point.fromBytes(signer.publicKey).toBytes(false);
    const name = newName();
    const body = { deviceId: name, publicKey: digitsOf(uncompressed), algorithm: "secp256k1" };
    expect((await register(body)).body.publicKey).toBe(digitsOf(signer.publicKey));
    expect((await submitSigned(signed({ name, signer }))).status).toBe(202);
  });

  test("once: an existing deviceId is a 409, also a revoked one's; another tenant's is free", async () => {
    const { name } = await newDevice();
    const other = await createTenantKey(api, { scopes: ["submit"] });
    const body = { deviceId: name, publicKey: digitsOf(createDeviceSigner("ed25519").publicKey) };
    expect(await register(body)).toMatchObject({
      status: 409,
      body: { error: "Device already registered" },
    });
    await revoke(name);
    expect((await register(body)).status).toBe(409);
    expect((await register(body, other.key)).status).toBe(201);
  });

  test("once, also by many at once through two processes", async () => {
    const second = await api.startApi();
    const deviceId = newName();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        call(index % 2 === 0 ? api.apiUrl : second.url, "POST", "/v1/device/register", {
          key,
          body: { deviceId, publicKey: digitsOf(createDeviceSigner("ed25519").publicKey) },
        }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
    const winner = answers.find(({ status }) => status === 201)!.body;
    const { body } = await call(api.apiUrl, "GET", pathOf(deviceId, "/key"), { key });
    expect(body).toMatchObject({ id: winner.id, publicKey: winner.publicKey });
    expect(body.keys).toHaveLength(1);
    await second.process.stop();
  });

  const good = digitsOf(createDeviceSigner("ed25519").publicKey);
  const smallOrder = `${"00".repeat(31)}80`;
  test.each([
    ["deviceId", { deviceId: "" }, "1 to 255"],
    ["deviceId", { deviceId: "x".repeat(256) }, "1 to 255"],
    ["deviceId", { deviceId: 7 }, "text"],
    ["deviceId", { deviceId: undefined }, "text"],
    ["deviceId", { deviceId: "a\0b" }, "control"],
    ["deviceId", { deviceId: "a\nb" }, "control"],
    ["deviceId", { deviceId: ".." }, "must not be"],
    ["publicKey", { publicKey: undefined }, "hex"],
    ["publicKey", { publicKey: "" }, "hex"],
    ["publicKey", { publicKey: `${good.slice(2)}zz` }, "hex"],
    ["publicKey", { publicKey: ` ${good}` }, "hex"],
    ["publicKey", { publicKey: `0X${good}` }, "hex"],
    ["publicKey", { publicKey: good.slice(1) }, "hex"],
    ["publicKey", { publicKey: "ab".repeat(200) }, "at most"],
    ["publicKey", { publicKey: good.slice(2) }, "32 bytes"],
    ["publicKey", { publicKey: `02${good}` }, "32 bytes"],
    ["publicKey", { publicKey: smallOrder }, "small order"],
    ["publicKey", { publicKey: "ff".repeat(32) }, "canonical"],
    ["publicKey", { publicKey: good, algorithm: "secp256k1" }, "33 bytes"],
    ["publicKey", { publicKey: `04${"00".repeat(64)}`, algorithm: "secp256k1" }, "curve"],
    ["algorithm", { algorithm: "rsa" }, "ed25519 or secp256k1"],
    ["algorithm", { algorithm: null }, "ed25519 or secp256k1"],
    ["metadata", { metadata: "text" }, "object"],
    ["metadata", { metadata: { note: "a\0b" } }, "U+0000"],
  ])("and a bad %s %j is a 400 that says what it must be", async (member, wrong, said) => {
    const answer = await register({ deviceId: newName(), publicKey: good, ...wrong });
    expect(answer).toMatchObject({ status: 400, body: { member } });
    expect(answer.body.error).toContain(said);
  });
});

describe.each(DEVICE_ALGORITHMS)("HA-19 a hash signed with %s", (algorithm) => {
  test("is a 202, its repeat a 200 with the same id; the history keeps the first signature", async () => {
    const device = await newDevice(algorithm);
    const metadata = { value: 23.5 };
    const body = signed(device, randomHash(), { metadata });
    const accepted = await submitSigned(body);
    expect(accepted).toMatchObject({
      status: 202,
      body: { status: "accepted", hash: body.hash, signatureVerified: true },
    });
    const again = await submitSigned({
      ...body,
      hash: `0x${body.hash.slice(2).toUpperCase()}`,
      metadata: {},
    });
    expect(again).toMatchObject({ status: 200, body: { ...accepted.body, status: "duplicate" } });
    const { body: told } = await history(device.name);
    expect(told.pagination).toEqual({ limit: 50, offset: 0, total: 1 });
    expect(told.data).toMatchObject([
      {
        id: accepted.body.id,
        hash: body.hash,
        status: "pending",
        signature: body.signature,
        algorithm,
        publicKey: digitsOf(device.signer.publicKey),
        metadata,
      },
    ]);
  });

  test("stands in any spelling of its hex", async () => {
    const device = await newDevice(algorithm);
    for (const spell of [(text: string) => `0x${text}`, (text: string) => text.toUpperCase()]) {
      const body = signed(device);
      expect((await submitSigned({ ...body, signature: spell(body.signature) })).status).toBe(202);
    }
  });

  test("with any bit of the signature or the hash changed is a 400, and nothing is stored", async () => {
    const device = await newDevice(algorithm);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 511 }), fc.nat({ max: 255 }), async (signatureBit, hashBit) => {
        const { hash, signature } = signed(device);
        const otherSignature = flip(signature, signatureBit);
        const otherHash = `0x${flip(hash.slice(2), hashBit)}`;
        for (const body of [
          { deviceId: device.name, hash, signature: otherSignature },
          { deviceId: device.name, hash: otherHash, signature },
        ]) {
          const answer = await submitSigned(body);
          expect(answer).toMatchObject({ status: 400, body: { signatureVerified: false } });
          expect(await submissionsOf(body.hash)).toBe(0);
        }
      }),
      { numRuns: 12 },
    );
    expect((await history(device.name)).body.pagination.total).toBe(0);
  });

  test("over the hash of the hash is a 400", async () => {
    const device = await newDevice(algorithm);
    const { hash } = signed(device);
    const twice = await import("node:crypto").then(({ createHash }) =>
      createHash("sha256")
        .update(Buffer.from(hash.slice(2), "hex"))
        .digest(),
    );
    const answer = await submitSigned({
      deviceId: device.name,
      hash,
      signature: digitsOf(device.signer.sign(twice)),
    });
    expect(answer).toMatchObject({ status: 400, body: { signatureVerified: false } });
  });

  test("by another device is a 400", async () => {
    const [device, other] = [await newDevice(algorithm), await newDevice(algorithm)];
    const answer = await submitSigned({ ...signed(device), deviceId: other.name });
    expect(answer).toMatchObject({ status: 400, body: { member: "signature", signatureVerified: false } });
    expect(answer.body.error).toContain("does not match");
  });
});

function flip(digits: string, bit: number): string {
  const bytes = Buffer.from(digits, "hex");
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  return bytes.toString("hex");
}

describe("HA-19 a submission is refused", () => {
  test("with what is wrong with the signature", async () => {
    const device = await newDevice("secp256k1");
    const { hash, signature } = signed(device);
    const { n } = secp256k1.Point.CURVE();
    const { r, s } = secp256k1.Signature.fromBytes(Buffer.from(signature, "hex"), "compact");
    const hex = (number: bigint) => number.toString(16).padStart(64, "0");
    const der = digitsOf(
      secp256k1.Signature.fromBytes(Buffer.from(signature, "hex"), "compact").toBytes("der"),
    );
    const cases: [string, string][] = [
      [hex(r) + hex(n - s), "low"],
      [hex(0n) + hex(s), "range"],
      [hex(r) + hex(n), "range"],
      [signature.slice(2), "64 bytes"],
      [`${signature}00`, "64 bytes"],
      [der, "64 bytes"],
      ["", "64 bytes"],
      ["not hex", "64 bytes"],
      [`${signature.slice(1)}g`, "64 bytes"],
      [randomBytes(32).toString("hex") + hex(1n), "match"],
    ];
    for (const [wrong, said] of cases) {
      const answer = await submitSigned({ deviceId: device.name, hash, signature: wrong });
      expect(answer).toMatchObject({ status: 400, body: { signatureVerified: false } });
      expect(answer.body.error).toContain(said);
    }
    expect(await submissionsOf(hash)).toBe(0);
  });

  test.each([
    ["hash", { hash: "0x12" }],
    ["hash", { hash: randomHash().slice(2) }],
    ["deviceId", { deviceId: undefined }],
    ["signature", { signature: 7 }],
    ["signature", { signature: undefined }],
    ["metadata", { metadata: [] }],
    ["chainId", { chainId: 424_242 }],
  ])("with a bad %s %j", async (member, wrong) => {
    const device = await newDevice();
    const answer = await submitSigned({ ...signed(device), ...wrong });
    expect(answer).toMatchObject({ status: 400, body: { member } });
  });

  test("for a device that is unknown, or another tenant's: a 404 on every route", async () => {
    const device = await newDevice();
    const other = await createTenantKey(api, { scopes: ["submit"] });
    for (const [name, as] of [
      [device.name, other.key],
      [newName(), key],
      ["\0", key],
    ] as const) {
      const publicKey = digitsOf(createDeviceSigner("ed25519").publicKey);
      const answers = await Promise.all([
        name === "\0" ? null : submitSigned({ ...signed(device), deviceId: name }, as),
        history(name, "", as),
        rotate(name, { publicKey }, as),
        revoke(name, as),
        call(api.apiUrl, "GET", pathOf(name, "/key"), { key: as }),
      ]);
      for (const answer of answers)
        if (answer !== null)
          expect(answer).toMatchObject({ status: 404, body: { error: "Device not found" } });
    }
    expect((await call(api.apiUrl, "GET", "/v1/device/list", { key: other.key })).body.data).toEqual([]);
    expect((await submitSigned(signed(device))).status).toBe(202);
  });

  test("over the quota: a 429, and neither submission nor signature is stored; a duplicate is still a 200", async () => {
    const limited = await createTenantKey(api, { scopes: ["submit"] });
    const device = await newDevice("ed25519", limited.key);
    const plan = { plan: "free" };
    await call(api.apiUrl, "PATCH", `/admin/tenants/${limited.tenantId}`, { key: api.adminKey, body: plan });
    const bodies = Array.from({ length: 101 }, () => signed(device));
    const answers = await Promise.all(bodies.map((body) => submitSigned(body, limited.key)));
    const accepted = answers.filter(({ status }) => status === 202);
    expect(accepted).toHaveLength(100);
    expect(accepted[0]!.headers.get("X-Quota-Limit")).toBe("100");
    const over = answers.findIndex(({ status }) => status === 429);
    expect(await submissionsOf(bodies[over]!.hash)).toBe(0);
    const { body: told } = await history(device.name, "?limit=100", limited.key);
    expect(told.pagination.total).toBe(100);
    expect(told.data.map(({ hash }: { hash: string }) => hash)).not.toContain(bodies[over]!.hash);
    const repeat = await submitSigned(
      bodies.find((_, index) => index !== over),
      limited.key,
    );
    expect(repeat).toMatchObject({ status: 200, body: { status: "duplicate" } });
  });
});

describe("HA-19 a duplicate", () => {
  test("of what another device, or no device, submitted is told as such, and stands in this device's history", async () => {
    const [first, second] = [await newDevice(), await newDevice("secp256k1")];
    const hash = randomHash();
    const plain = await call(api.apiUrl, "POST", "/v1/hashes", {
      key,
      body: { hash, metadata: { by: "hand" } },
    });
    for (const device of [first, second]) {
      const answer = await submitSigned(signed(device, hash, { metadata: { by: device.name } }));
      expect(answer).toMatchObject({ status: 200, body: { status: "duplicate", id: plain.body.id } });
      expect((await history(device.name)).body.data).toMatchObject([
        { id: plain.body.id, hash, metadata: { by: device.name } },
      ]);
    }
  });

  test("sent many times at once through two processes is one submission and one row of history", async () => {
    const second = await api.startApi();
    const device = await newDevice();
    const body = signed(device);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        call(index % 2 === 0 ? api.apiUrl : second.url, "POST", "/v1/device/submit-signed", { key, body }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(19).fill(200), 202]);
    expect(new Set(answers.map(({ body: { id } }) => id)).size).toBe(1);
    expect((await history(device.name)).body.pagination.total).toBe(1);
    await second.process.stop();
  });
});

describe("HA-19 the history", () => {
  test("is paged, the newest first, with the total", async () => {
    const device = await newDevice();
    const hashes: string[] = [];
    for (let i = 0; i < 5; i++) {
      const body = signed(device);
      await submitSigned(body);
      hashes.unshift(body.hash);
    }
    const pages = await Promise.all(
      ["?limit=2", "?limit=2&offset=2", "?limit=100&offset=4", "?offset=5"].map((query) =>
        history(device.name, query),
      ),
    );
    expect(pages.map(({ body }) => body.data.map(({ hash }: { hash: string }) => hash))).toEqual([
      hashes.slice(0, 2),
      hashes.slice(2, 4),
      hashes.slice(4),
      [],
    ]);
    expect(pages.map(({ body }) => body.pagination)).toEqual([
      { limit: 2, offset: 0, total: 5 },
      { limit: 2, offset: 2, total: 5 },
      { limit: 100, offset: 4, total: 5 },
      { limit: 50, offset: 5, total: 5 },
    ]);
  });

  test.each(["?limit=0", "?limit=101", "?limit=x", "?offset=-1", "?offset=1.5", "?offset=x"])(
    "refuses %s",
    async (query) => {
      const { name } = await newDevice();
      const answer = await history(name, query);
      expect(answer).toMatchObject({ status: 400, body: { member: query.slice(1).split("=")[0] } });
    },
  );
});

test("HA-19 the list is paged, and tells a tenant's devices alone", async () => {
  const own = await createTenantKey(api, { scopes: ["submit"] });
  const devices = [];
  for (let i = 0; i < 3; i++) devices.push(await newDevice("ed25519", own.key));
  const list = (query = "") => call(api.apiUrl, "GET", `/v1/device/list${query}`, { key: own.key });
  const names = (answer: Awaited<ReturnType<typeof list>>) =>
    answer.body.data.map(({ deviceId }: { deviceId: string }) => deviceId);
  expect(names(await list())).toEqual(devices.map(({ name }) => name));
  expect(names(await list("?limit=1&offset=1"))).toEqual([devices[1]!.name]);
  expect((await list()).body.pagination).toEqual({ limit: 1_000, offset: 0, total: 3 });
  await submitSigned(signed(devices[0]!), own.key);
  expect((await list()).body.data[0]).toMatchObject({ submissions: 1, lastSubmittedAt: expect.any(String) });
  for (const query of ["?limit=0", "?limit=1001", "?offset=-1"]) expect((await list(query)).status).toBe(400);
});

describe("HA-19 a key is rotated", () => {
  test("the key before is refused from then on, and each signature stays under its own", async () => {
    const device = await newDevice();
    const before = signed(device);
    await submitSigned(before);
    const next = createDeviceSigner("secp256k1");
    const answer = await rotate(device.name, { publicKey: digitsOf(next.publicKey), algorithm: "secp256k1" });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        deviceId: device.name,
        algorithm: "secp256k1",
        status: "active",
        publicKey: digitsOf(next.publicKey),
      },
    });
    expect(await submitSigned(signed(device))).toMatchObject({
      status: 400,
      body: { signatureVerified: false },
    });
    const after = signed({ name: device.name, signer: next });
    expect((await submitSigned(after)).status).toBe(202);
    expect((await history(device.name)).body.data).toMatchObject([
      { hash: after.hash, algorithm: "secp256k1", publicKey: digitsOf(next.publicKey) },
      { hash: before.hash, algorithm: "ed25519", publicKey: digitsOf(device.signer.publicKey) },
    ]);
    const { body } = await call(api.apiUrl, "GET", pathOf(device.name, "/key"), { key });
    expect(body.keys).toMatchObject([
      { algorithm: "secp256k1", publicKey: digitsOf(next.publicKey), validUntil: null },
      {
        algorithm: "ed25519",
        publicKey: digitsOf(device.signer.publicKey),
        validUntil: body.keys[0].validFrom,
      },
    ]);
  });

  test("to a key of the same algorithm where none is named", async () => {
    const { name } = await newDevice("secp256k1");
    const next = createDeviceSigner("secp256k1");
    expect((await rotate(name, { publicKey: digitsOf(next.publicKey) })).body.algorithm).toBe("secp256k1");
  });

  test("to the key it has: nothing changes; back to one it gave up: a 409", async () => {
    const device = await newDevice();
    const first = { publicKey: digitsOf(device.signer.publicKey) };
    expect((await rotate(device.name, { publicKey: `0x${first.publicKey.toUpperCase()}` })).status).toBe(200);
    expect((await call(api.apiUrl, "GET", pathOf(device.name, "/key"), { key })).body.keys).toHaveLength(1);
    await rotate(device.name, { publicKey: digitsOf(createDeviceSigner("ed25519").publicKey) });
    expect((await rotate(device.name, first)).status).toBe(409);
    expect((await submitSigned(signed(device))).status).toBe(400);
  });

  test("to no small-order, non-canonical or malformed key", async () => {
    const device = await newDevice();
    for (const publicKey of [`01${"00".repeat(31)}`, "ff".repeat(32), "ab", "xy", undefined]) {
      expect(await rotate(device.name, { publicKey })).toMatchObject({
        status: 400,
        body: { member: "publicKey" },
      });
    }
    expect((await submitSigned(signed(device))).status).toBe(202);
  });

  test("by many at once: one after the other, each validity ends where the next begins", async () => {
    const device = await newDevice();
    const keys = Array.from({ length: 12 }, () => digitsOf(createDeviceSigner("ed25519").publicKey));
    const answers = await Promise.all(keys.map((publicKey) => rotate(device.name, { publicKey })));
    expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 200));
    const { body } = await call(api.apiUrl, "GET", pathOf(device.name, "/key"), { key });
    expect(body.keys).toHaveLength(13);
    for (const [index, { validUntil }] of body.keys.entries())
      expect(validUntil).toBe(index === 0 ? null : body.keys[index - 1].validFrom);
  });
});

describe("HA-19 a device is revoked", () => {
  test("for good: 204, again 204; it submits nothing, gets no key, and what it signed stays", async () => {
    const device = await newDevice();
    const kept = signed(device);
    await submitSigned(kept);
    expect((await revoke(device.name)).status).toBe(204);
    const { body: first } = await call(api.apiUrl, "GET", pathOf(device.name, "/key"), { key });
    expect((await revoke(device.name)).status).toBe(204);
    expect((await call(api.apiUrl, "GET", pathOf(device.name, "/key"), { key })).body).toEqual(first);
    expect(first).toMatchObject({ status: "revoked", keys: [{ validUntil: expect.any(String) }] });
    for (const body of [signed(device), kept])
      expect(await submitSigned(body)).toMatchObject({ status: 403, body: { error: "Device revoked" } });
    const publicKey = digitsOf(createDeviceSigner("ed25519").publicKey);
    expect(await rotate(device.name, { publicKey })).toMatchObject({
      status: 403,
      body: { error: "Device revoked" },
    });
    expect((await history(device.name)).body.data).toMatchObject([{ hash: kept.hash }]);
  });
});

test("HA-15 each call leaves one audit row; a submission's names the hash, the others the device", async () => {
  const device = await newDevice();
  const body = signed(device);
  const calls = [
    await submitSigned(body),
    await submitSigned(body),
    await submitSigned({ ...body, signature: "00" }),
    await history(device.name),
    await rotate(device.name, { publicKey: digitsOf(createDeviceSigner("ed25519").publicKey) }),
    await revoke(device.name),
  ];
  const { rows } = await api.db.pool.query(
    `SELECT action, resource_type, resource_id, status_code FROM app.audit_logs WHERE request_id = ANY($1::uuid[])
     ORDER BY request_id`,
    [calls.map(({ headers }) => headers.get("X-Request-Id"))],
  );
  expect(rows.map((row) => Object.values(row))).toEqual([
    ["device.submit_signed", "hash", body.hash, 202],
    ["device.submit_signed", "hash", body.hash, 200],
    ["device.submit_signed", "hash", body.hash, 400],
    ["device.history", "device", device.name, 200],
    ["device.rotate_key", "device", device.name, 200],
    ["device.revoke", "device", device.name, 204],
  ]);
});

test("HA-19 counts, signatures and submissions agree after all that, and a corruption of each is found", async () => {
  const check = async () =>
    (await checkInvariants(api.db, { verifySignatures: "all" })).map(({ kind }) => kind);
  expect(await check()).toEqual([]);
  const corrupted = async (sql: string, back: string) => {
    await api.db.pool.query(sql);
    const kinds = await check();
    await api.db.pool.query(back);
    return kinds;
  };
  const one = `(SELECT id FROM app.devices WHERE tenant_id = '${tenantId}' AND submissions > 0 LIMIT 1)`;
  const bump = (by: string) => `UPDATE app.devices SET submissions = submissions ${by} WHERE id = ${one}`;
  expect(await corrupted(bump("+ 1"), bump("- 1"))).toEqual(["deviceCountWrong"]);
  const signedOne = `WHERE id = (SELECT min(id::text)::uuid FROM app.device_submissions)`;
  const turn = `UPDATE app.device_submissions SET signature = set_byte(signature, 40, 255 - get_byte(signature, 40)) ${signedOne}`;
  expect(await corrupted(turn, turn)).toEqual(["signerUnproven"]);
  const [lost] = (await api.db.pool.query(`SELECT * FROM app.device_submissions ${signedOne}`)).rows;
  const where = "WHERE tenant_id = $1 AND content_hash = $2";
  const own = [lost.tenant_id, lost.content_hash];
  await api.db.pool.query(`UPDATE app.submissions SET content_hash = sha256(content_hash) ${where}`, own);
  expect(await check()).toEqual(["signerUnproven"]);
  await api.db.pool.query(
    "UPDATE app.submissions SET content_hash = $2 WHERE tenant_id = $1 AND content_hash = sha256($2)",
    own,
  );
  expect(await check()).toEqual([]);
});
