import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import S3rver from "s3rver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "#test/support/api.ts";
import { call } from "#test/support/client.ts";
import { callSigned, hmacOf, PNG, SELFIE, upload } from "#test/support/gate.ts";
import { createGateTenant, type GateTenant, openVerification } from "#test/support/openGate.ts";
import { until } from "#test/support/until.ts";
import { createFolderStore, createS3Store, type MediaStore, type S3Settings } from "./mediaStore.ts";
import { sweepMedia } from "./sweepMedia.ts";

const DAY_MS = 86_400_000;
let folder: string;
let api: TestApi;
let tenant: GateTenant;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-media-"));
  api = await startTestApi({ MEDIA_FOLDER: folder });
  tenant = await createGateTenant(api);
});
afterAll(async () => {
  await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

const uploads = () => join(folder, "uploads");
const sweep = (afterMs = 0, store: MediaStore = createFolderStore(folder)) =>
  sweepMedia({
    db: api.db,
    store,
    keptDays: 30,
    clock: () => new Date(Date.now() + afterMs),
    logger: pino({ level: "silent" }),
    signal: new AbortController().signal,
  });
async function keepSelfie(apiUrl = api.apiUrl) {
  const id = await openVerification(apiUrl, tenant, { external_id: `user-${randomUUID()}` });
  const { status, body } = await upload(apiUrl, `/v1/verifications/${id}/media`, SELFIE, tenant);
  expect(status).toBe(201);
  return { id, medium: body.data, file: join(folder, tenant.tenantId, body.data.id) };
}
const mediaOf = async (id: string) =>
  (await callSigned(api.apiUrl, "GET", `/v1/verifications/${id}`, tenant)).body.data.media;

describe("PA-8 retention", () => {
  test("PA-8: bytes go when their time is over, and the hash stays", async () => {
    const { id, medium, file } = await keepSelfie();
    await sweep(29 * DAY_MS);
    expect(existsSync(file)).toBe(true);
    await sweep(30 * DAY_MS + 1_000);
    expect(existsSync(file)).toBe(false);
    expect(await mediaOf(id)).toEqual([{ ...medium, deleted_at: expect.any(String) }]);
    await sweep(31 * DAY_MS);
  });

  test("protocol §7: an erased person's bytes go with the next sweep", async () => {
    const { id, file } = await keepSelfie();
    const person = (await callSigned(api.apiUrl, "GET", `/v1/verifications/${id}`, tenant)).body.data
      .external_id;
    await call(api.apiUrl, "POST", "/v1/consents/erasures", { key: tenant.key, body: { person } });
    await sweep();
    expect(existsSync(file)).toBe(false);
  });

  test("of more than a page that the store refuses, what comes after is deleted all the same", async () => {
    const { id, medium, file } = await keepSelfie();
    const verification = id.slice("ver_".length);
    await api.db.pool.query(
      `INSERT INTO app.verification_media SELECT tenant_id, verification_id, gen_random_uuid(), 'deleting', type, side, document,
         content_type, bytes, sha256, '2020-01-01', NULL
       FROM app.verification_media, generate_series(1, 600) WHERE verification_id = $1`,
      [verification],
    );
    const store = createFolderStore(folder);
    const remove: MediaStore["remove"] = (key) =>
      key.id === medium.id ? store.remove(key) : Promise.reject(new Error("refused"));
    await expect(sweep(31 * DAY_MS, { ...store, remove })).rejects.toThrow("refused");
    expect(existsSync(file)).toBe(false);
    await sweep(31 * DAY_MS);
  });

  test("what is not there in another folder, or in no folder, is not taken for deleted", async () => {
    const { id, file } = await keepSelfie();
    for (const other of [join(folder, "not-mounted"), uploads()])
      await expect(sweep(31 * DAY_MS, createFolderStore(other))).rejects.toThrow(
        "is not the folder of media",
      );
    expect((await mediaOf(id))[0].deleted_at).toBeNull();
    rmSync(file);
    await sweep(31 * DAY_MS);
    expect((await mediaOf(id))[0].deleted_at).not.toBeNull();
  });

  test("a store that fails is asked again by the next sweep", async () => {
    const { id, file } = await keepSelfie();
    const broken = { ...createFolderStore(folder), remove: () => Promise.reject(new Error("away")) };
    await expect(sweep(31 * DAY_MS, broken)).rejects.toThrow("away");
    expect((await mediaOf(id))[0].deleted_at).toBeNull();
    await sweep(31 * DAY_MS);
    expect(existsSync(file)).toBe(false);
    expect((await mediaOf(id))[0].deleted_at).not.toBeNull();
  });
});

describe("an API that is killed", () => {
  test("while an upload comes in leaves bytes that are swept, and no medium", async () => {
    const victim = await api.startApi();
    const id = await openVerification(victim.url, tenant);
    const before = readdirSync(uploads()).length;
    const { promise: never, resolve: release } = Promise.withResolvers<void>();
    const body = async function* () {
      const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n';
      yield Buffer.concat([Buffer.from(head), PNG, Buffer.alloc(500_000)]);
      await never;
    };
    const sending = fetch(`${victim.url}/v1/verifications/${id}/media`, {
      method: "POST",
      headers: {
        "X-API-Key": tenant.key,
        "X-HMAC-Signature": hmacOf(tenant.hmacSecret, "cannot be known yet"),
        "Content-Type": "multipart/form-data; boundary=b",
      },
      // biome-ignore lint/suspicious/noExplicitAny: Node's fetch takes what yields bytes
      body: body() as any,
      duplex: "half",
    } as RequestInit).catch(() => null);
    await until(() => readdirSync(uploads()).length > before);
    await victim.process.kill9();
    release();
    await sending;
    const next = await api.startApi();
    expect(readdirSync(uploads()).length).toBeGreaterThan(before);
    await next.process.stop();
    // As old as nothing that is under way can be.
    for (const name of readdirSync(uploads())) utimesSync(join(uploads(), name), new Date(0), new Date(0));
    const another = await api.startApi();
    await until(() => readdirSync(uploads()).length === 0);
    await another.process.stop();
    expect(await mediaOf(id)).toEqual([]);
  });

  test("between the bytes and the row leaves neither, once it is swept", async () => {
    const { id, medium, file } = await keepSelfie();
    // As a stop after the store has the bytes and before the second commit leaves it.
    await api.db.pool.query("UPDATE app.verification_media SET state = 'storing' WHERE id = $1", [medium.id]);
    expect(await mediaOf(id)).toEqual([]);
    await sweep();
    expect(existsSync(file)).toBe(true);
    await sweep(2 * 3_600_000);
    expect(existsSync(file)).toBe(false);
    expect(await mediaOf(id)).toEqual([]);
  });
});

describe("PA-8 media of one tenant", () => {
  test("take so many bytes together at most, and are taken again when some are gone", async () => {
    const own = await createGateTenant(api);
    const { url, process } = await api.startApi({ MEDIA_TENANT_BYTES_MAX: String(2 * PNG.length) });
    const id = await openVerification(url, own);
    const send = async () => (await upload(url, `/v1/verifications/${id}/media`, SELFIE, own)).status;
    expect([await send(), await send(), await send()]).toEqual([201, 201, 429]);
    const other = await openVerification(url, tenant);
    expect((await upload(url, `/v1/verifications/${other}/media`, SELFIE, tenant)).status).toBe(201);
    await sweep(31 * DAY_MS);
    expect(await send()).toBe(201);
    await process.stop();
  });
});

describe("PA-8 a disk that takes no bytes", () => {
  test("refuses the upload, and leaves no medium", async () => {
    const id = await openVerification(api.apiUrl, tenant);
    rmSync(join(folder, tenant.tenantId), { recursive: true, force: true });
    writeFileSync(join(folder, tenant.tenantId), "no folder");
    const answer = await upload(api.apiUrl, `/v1/verifications/${id}/media`, SELFIE, tenant);
    expect(answer).toMatchObject({ status: 503, body: { error: { code: "UNAVAILABLE" } } });
    expect(await mediaOf(id)).toEqual([]);
    rmSync(join(folder, tenant.tenantId));
    await sweep();
    expect(readdirSync(uploads())).toEqual([]);
    expect((await upload(api.apiUrl, `/v1/verifications/${id}/media`, SELFIE, tenant)).status).toBe(201);
  });
});

describe("PA-8 an S3-compatible bucket", () => {
  const keys = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
  let server: S3rver;
  let bucketFolder: string;
  let settings: S3Settings;

  beforeAll(async () => {
    bucketFolder = mkdtempSync(join(tmpdir(), "holdfast-s3-"));
    server = new S3rver({
      port: 0,
      address: "127.0.0.1",
      silent: true,
      directory: bucketFolder,
      configureBuckets: [{ name: "media", configs: [] }],
    });
    const { port } = (await server.run()) as { port: number };
    settings = { url: `http://127.0.0.1:${port}/media`, region: "us-east-1", ...keys };
  });
  afterAll(async () => {
    await server.close();
    rmSync(bucketFolder, { recursive: true, force: true });
  });
  const objects = () =>
    readdirSync(bucketFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith("_object"))
      .map((entry) => entry.name);

  test("takes what is uploaded, signed, and gives it up when it is swept", async () => {
    const s3 = {
      MEDIA_S3_URL: settings.url,
      MEDIA_S3_ACCESS_KEY_ID: keys.accessKeyId,
      MEDIA_S3_SECRET_ACCESS_KEY: keys.secretAccessKey,
    };
    const { url, process } = await api.startApi(s3);
    const { medium } = await keepSelfie(url);
    expect(objects().some((name) => name.includes(medium.id))).toBe(true);
    await sweep(31 * DAY_MS, createS3Store(settings));
    expect(objects()).toEqual([]);
    await process.stop();
  });

  test("that is not there has deleted nothing", async () => {
    const gone = createS3Store({ ...settings, url: settings.url.replace(/media$/, "renamed") });
    await expect(gone.remove({ tenantId: "t", id: "i" })).rejects.toThrow("the bucket answered 404");
    await createS3Store(settings).remove({ tenantId: "t", id: "i" });
  });

  test("refuses an access key that it does not know, and then nothing is kept", async () => {
    const store = createS3Store({ ...settings, accessKeyId: "another" });
    const path = join(bucketFolder, "file");
    writeFileSync(path, PNG);
    const sha256 = createHash("sha256").update(PNG).digest("hex");
    await expect(store.put({ tenantId: "t", id: "i" }, { path, sha256 })).rejects.toThrow("answered 403");
    expect(objects()).toEqual([]);
  });

  test("that is away is a 503 that can be tried again", async () => {
    mkdirSync(folder, { recursive: true });
    const { url, process } = await api.startApi({
      MEDIA_S3_URL: "http://127.0.0.1:9/media",
      MEDIA_S3_ACCESS_KEY_ID: "a",
      MEDIA_S3_SECRET_ACCESS_KEY: "b",
    });
    const id = await openVerification(url, tenant);
    const answer = await upload(url, `/v1/verifications/${id}/media`, SELFIE, tenant);
    expect(answer).toMatchObject({ status: 503, body: { error: { code: "UNAVAILABLE" } } });
    expect(await mediaOf(id)).toEqual([]);
    await process.stop();
  });
});
