import { generateKeyPairSync, randomUUID } from "node:crypto";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isOriginSigned, type Origin, type OriginKind, parseOrigin } from "#protocol/consentOrigin.ts";
import { startTestApi, TEST_SECRET, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { callSigned } from "#test/support/gate.ts";
import { createSigner, type ReceiptSigner } from "#test/support/issuedReceipts.ts";
import { until } from "#test/support/until.ts";
import { createOriginDelegator } from "../pipeline/delegateOrigins.ts";
import { registerSigningKey } from "../pipeline/signingKey.ts";
import { retireServiceKey } from "../secrets/retireServiceKey.ts";
import { createSecretBox } from "../secrets/secretBox.ts";
import { createServiceKeyKinds } from "../secrets/serviceKeyKinds.ts";
import { consentIdOf } from "./consentToken.ts";

const SITE = "shop.example";
const EVENT = { issuer: "https://shop.example", target: "https://shop.example/policy", action: true };

let api: TestApi;
let key: string;
let hmacSecret: string;
let tenantId: string;

beforeAll(async () => {
  api = await startTestApi();
  const scopes = ["submit", "query", "manage"];
  ({ key, hmacSecret, tenantId } = await createTenantKey(api, { scopes, site: SITE, hmac: true }));
});
afterAll(() => api.stop());

const post = (path: string, body: unknown, as = key) => call(api.apiUrl, "POST", path, { key: as, body });
const get = (path: string, as = key) => call(api.apiUrl, "GET", path, { key: as });
const newPerson = () => `person-${randomUUID()}`;

/** A worker's step, by the receipt key of `signer`. */
async function delegate(signer: ReceiptSigner, secret = TEST_SECRET): Promise<void> {
  const publicKey = Buffer.from(signer.publicKey, "base64");
  const signingKey = { ...signer, publicKey };
  await registerSigningKey(api.db, signingKey, new Date());
  const secretBox = createSecretBox([secret]);
  const logger = pino({ level: "silent" });
  await createOriginDelegator({ db: api.db, secretBox, signingKey, clock: () => new Date(), logger })();
}

/** The public key of the service's current origin key, as whoever holds its secret knows it. */
async function originKey(): Promise<Uint8Array> {
  const { rows } = await api.db.pool.query<{ x: string }>(
    "SELECT public_jwk ->> 'x' AS x FROM app.service_keys WHERE purpose = 'consent_origin' ORDER BY created_at DESC",
  );
  return Buffer.from(rows[0]!.x, "base64url");
}

/** A gate's verification with its text accepted. */
async function acceptedVerification(): Promise<string> {
  await post("/v1/documents", { slug: "consent", title: "Consent" });
  await post("/v1/documents/consent/versions", {
    version: randomUUID().slice(0, 8),
    text: "We look at your face.",
    activate: true,
  });
  const signed = (method: string, path: string, body?: unknown) =>
    callSigned(api.apiUrl, method, path, { key, hmacSecret, body });
  const { id } = (await signed("POST", "/v1/verifications", { external_id: newPerson() })).body.data;
  const { id: versionId, text_sha256 } = (await signed("GET", "/v1/consent")).body.data;
  const accepted = await signed("POST", `/v1/verifications/${id}/consent`, {
    consent_version_id: versionId,
    text_sha256,
  });
  expect(accepted.status).toBe(200);
  return (await signed("GET", `/v1/verifications/${id}`)).body.data.consent;
}

type Shown = { origin: string; digest: string; createdAt?: string };
const person = newPerson();

/** What each surface answers of a record that it made. */
const surfaces: [OriginKind, () => Promise<Shown>][] = [
  [
    "consent-log",
    async () => {
      const body = { consent_type: "cookie_consent", decision: "accept", visitor_id: newPerson() };
      const { consent_token } = (await post("/tool/v1/consents", body)).body.data;
      const { origin, proof_hash, created_at } = (await get(`/tool/v1/consents/${consent_token}`)).body.data;
      return { origin, digest: proof_hash, createdAt: created_at };
    },
  ],
  [
    "consent-receipts",
    async () => {
      const query = { subject: newPerson(), ...EVENT, action: undefined };
      const { id } = (await post("/consent/v0/consents", { ...query, action: true })).body;
      const path = `/consent/v0/consents/history?${new URLSearchParams(JSON.parse(JSON.stringify(query)))}`;
      const [{ origin, event }] = (await get(path)).body.records;
      return { origin, digest: `sha256:${id}`, createdAt: event.createdAt };
    },
  ],
  [
    "consent-proof",
    async () => {
      const body = { visitor_id: person, action: "accept_all", categories: { analytics: true } };
      const { origin, record_sha256, created_at } = (await post("/api/v1/consents", body)).body;
      return { origin, digest: `sha256:${record_sha256}`, createdAt: created_at };
    },
  ],
  [
    "consent-gate",
    async () => {
      const { origin, proof_hash } = (await acceptedVerification()) as unknown as Record<string, string>;
      return { origin: origin!, digest: proof_hash! };
    },
  ],
  [
    "erasure",
    async () => {
      const { consentToken } = (await post("/v1/consents/erasures", { person: newPerson() })).body;
      const { origin, proofHash, createdAt } = (await get(`/v1/consents/${consentToken}`)).body;
      return { origin, digest: proofHash, createdAt };
    },
  ],
];

describe("protocol §7: the service states of every record that it recorded it", () => {
  test.each(surfaces)(
    "%s: kind, record digest, the key's domain and the time are signed",
    async (kind, record) => {
      const { origin, digest, createdAt } = await record();
      const parsed = parseOrigin(origin)!;
      const { claims } = parsed.statement;
      const site = { site: SITE, site_by: "operator" };
      expect(claims).toEqual({ kind, digest, tenant: tenantId, ...site, iat: expect.any(Number) });
      if (createdAt !== undefined) expect(claims.iat).toBe(Math.floor(Date.parse(createdAt) / 1_000));
      expect(isOriginSigned(parsed.statement, await originKey())).toBe(true);
    },
  );

  test("OS-6 answers, lists and exports of proofs carry the same statement of a record", async () => {
    const { data } = (await get("/api/v1/consents")).body;
    const status = (await get(`/api/v1/consent-status?visitor_id=${person}`)).body;
    const exported = (await get("/api/v1/consents/export")).body;
    const csv = String((await get("/api/v1/consents/export?format=csv")).body);
    const { origin } = data.find((one: { visitor_id: string }) => one.visitor_id === person);
    expect(parseOrigin(origin)).not.toBeNull();
    expect(status.origin).toBe(origin);
    expect(exported.map((one: { origin: string }) => one.origin)).toContain(origin);
    expect(csv).toContain(origin);
  });

  test("a key without a domain speaks for none", async () => {
    const scopes = ["submit", "query"];
    const { key: other } = await createTenantKey(api, { scopes });
    const body = { consent_type: "cookie_consent", decision: "accept" };
    const { consent_token } = (await post("/tool/v1/consents", body, other)).body.data;
    const { origin } = (await get(`/tool/v1/consents/${consent_token}`, other)).body.data;
    expect(parseOrigin(origin)!.statement.claims).not.toHaveProperty("site");
  });

  test("HA-16 a domain that a tenant gave its own key stands as the tenant's word, also in the list of keys", async () => {
    const body = { tenantId, name: "own", scopes: ["submit", "query"], site: "bank.example" };
    const own = (await post("/admin/api-keys", body)).body;
    expect(own).toMatchObject({ site: "bank.example", siteBy: "tenant" });
    const recorded = await post(
      "/api/v1/consents",
      { visitor_id: newPerson(), action: "accept_all", categories: {} },
      own.key,
    );
    const { claims } = parseOrigin(recorded.body.origin)!.statement;
    expect(claims).toMatchObject({ site: "bank.example", site_by: "tenant" });
    const { data } = (await get(`/admin/api-keys?tenantId=${tenantId}`)).body;
    const by = data.map(({ site, siteBy }: { site: string; siteBy: string }) => `${site} ${siteBy}`).sort();
    expect(by).toEqual(["bank.example tenant", `${SITE} operator`]);
  });

  test("a hash submitted as such has no statement, whatever record it is the digest of", async () => {
    const hash = `0x${"5e".repeat(32)}`;
    await post("/v1/hashes", { hash });
    expect(JSON.stringify((await get(`/v1/hashes/${hash}`)).body)).not.toContain("origin");
    const { rows } = await api.db.pool.query("SELECT FROM app.consents WHERE record_digest = $1", [
      Buffer.from(hash.slice(2), "hex"),
    ]);
    expect(rows).toEqual([]);
  });

  test("a row written into the database by hand gets no statement of its own, and no other record's", async () => {
    const body = { consent_type: "cookie_consent", decision: "accept" };
    const ids = [];
    for (let i = 0; i < 2; i++) ids.push((await post("/tool/v1/consents", body)).body.data.consent_token);
    const [uuid, other] = ids.map((token) => consentIdOf(token));
    await api.db.pool.query(
      `UPDATE app.consents c SET origin_signature = (SELECT o.origin_signature FROM app.consents o WHERE o.id = $2) WHERE c.id = $1`,
      [uuid, other],
    );
    const { origin } = (await get(`/tool/v1/consents/${ids[0]}`)).body.data;
    expect(isOriginSigned(parseOrigin(origin)!.statement, await originKey())).toBe(false);
  });

  test("a server without a secret records and states nothing", async () => {
    const { url } = await api.startApi({ CHAIN_KEY_ENCRYPTION_SECRET: "" });
    const body = { consent_type: "cookie_consent", decision: "accept" };
    const recorded = await call(url, "POST", "/tool/v1/consents", { key, body });
    expect(recorded.status).toBe(201);
    const { consent_token } = recorded.body.data;
    expect((await get(`/tool/v1/consents/${consent_token}`)).body.data.origin).toBeNull();
  });
});

describe("protocol §7: the key of receipts says whose statements count", () => {
  const recordedOrigin = async () => {
    const body = { visitor_id: newPerson(), action: "accept_all", categories: {} };
    const { visitor_id } = (await post("/api/v1/consents", body)).body;
    return async () =>
      parseOrigin((await get(`/api/v1/consent-status?visitor_id=${visitor_id}`)).body.origin)!;
  };
  /** Answers may be a second behind. */
  const delegatedBy = async (read: () => Promise<Origin>, { kid }: ReceiptSigner): Promise<Origin> => {
    const found = await until(
      async () => {
        const origin = await read();
        return origin.delegation?.kid === kid ? origin : null;
      },
      { deadlineMs: 30_000, intervalMs: 100 },
    );
    return found!;
  };

  test("a statement waits for its delegation, and carries that of the newest key of receipts", async () => {
    const read = await recordedOrigin();
    expect((await read()).delegation).toBeNull();
    const signer = createSigner();
    await delegate(signer);
    const { statement, delegation } = await delegatedBy(read, signer);
    expect(isOriginSigned(delegation!, Buffer.from(signer.publicKey, "base64"))).toBe(true);
    const { jwk } = delegation!.claims.cnf;
    expect(jwk.kid).toBe(statement.kid);
    expect(isOriginSigned(statement, Buffer.from(jwk.x, "base64url"))).toBe(true);
    const next = createSigner();
    await delegate(next);
    expect((await delegatedBy(read, next)).statement.signature).toEqual(statement.signature);
  });

  test("a key that replaces another is delegated to as well, and what the other signed still stands", async () => {
    const read = await recordedOrigin();
    const before = await read();
    const far = new Date(Date.now() - 3_600_000);
    await retireServiceKey(api.db, before.statement.kid, far);
    const { url } = await api.startApi();
    const body = { visitor_id: newPerson(), action: "accept_all", categories: {} };
    const recorded = await call(url, "POST", "/api/v1/consents", { key, body });
    const signer = createSigner();
    await delegate(signer);
    const readNew = async () =>
      parseOrigin((await get(`/api/v1/consent-status?visitor_id=${body.visitor_id}`)).body.origin)!;
    const after = await delegatedBy(readNew, signer);
    expect(recorded.status).toBe(201);
    expect(after.statement.kid).not.toBe(before.statement.kid);
    expect(after.delegation!.claims.cnf.jwk.kid).toBe(after.statement.kid);
    const old = await delegatedBy(read, signer);
    expect(isOriginSigned(old.statement, Buffer.from(old.delegation!.claims.cnf.jwk.x, "base64url"))).toBe(
      true,
    );
  });

  test("a key that does not open with the service's secret is delegated nothing", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" }));
    const forged = createSecretBox(["a secret of somebody with the database"]);
    const kid = "ffffffffffffffff";
    await api.db.pool.query(
      "INSERT INTO app.service_keys VALUES ($1, 'consent_origin', $2, NULL, now(), now() + interval '1 year')",
      [kid, forged.seal(pem, `service-key:${kid}`)],
    );
    await delegate(createSigner());
    const { rows } = await api.db.pool.query("SELECT FROM app.origin_delegations WHERE kid = $1", [kid]);
    expect(rows).toEqual([]);
    await api.db.pool.query("DELETE FROM app.service_keys WHERE kid = $1", [kid]);
  });

  test("a key is made once, however many servers begin", async () => {
    const deps = { db: api.db, secretBox: createSecretBox([TEST_SECRET]), clock: () => new Date() };
    const keys = await Promise.all(
      Array.from({ length: 4 }, () => createServiceKeyKinds(deps).consentOrigin.current()),
    );
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(1);
  });
});
