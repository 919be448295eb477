import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  importPKCS8,
  importSPKI,
  jwtVerify,
  SignJWT,
} from "jose";
import jsonld from "jsonld";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, TEST_SECRET, type TestApi } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { retireServiceKey } from "../secrets/retireServiceKey.ts";
import { createSecretBox } from "../secrets/secretBox.ts";
import { contextOf, SERVICE_KEY_STALE_MS } from "../secrets/serviceKeys.ts";

let api: TestApi;
let key: string;
let keyId: string;
let subjects = 0;

beforeAll(async () => {
  api = await startTestApi();
  ({ key, keyId } = await createTenantKey(api));
});
afterAll(() => api.stop());

const BASE = "/consent/v0/consents";
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
const post = (body: unknown, token = key) => call(api.apiUrl, "POST", BASE, { body, ...bearer(token) });
const get = (path: string, token = key) => call(api.apiUrl, "GET", `${BASE}${path}`, bearer(token));
const form = (text: string, token = key) =>
  call(api.apiUrl, "POST", BASE, {
    raw: text,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/x-www-form-urlencoded" },
  });
/** A subject of its own, so that no test finds another's events. */
const newSubject = () => `subject-${subjects++}@example.org`;
const event = (subject: string, changed: object = {}) => ({
  subject,
  issuer: "https://foo.example",
  target: "https://foo.example/policy",
  action: true,
  ...changed,
});
const query = (subject: string, more = "") =>
  `/search?subject=${encodeURIComponent(subject)}&issuer=https%3A%2F%2Ffoo.example&target=https%3A%2F%2Ffoo.example%2Fpolicy${more}`;

const historyQuery = (subject: string) => query(subject).replace("/search", "/history");

describe("SG-1, SG-2 events", () => {
  test("SG-1: an event comes back with id, token and time, and without members that were not given", async () => {
    const { status, body } = await post(event("foo"));
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{64}$/),
      scope: "default",
      subject: "foo",
      issuer: "https://foo.example",
      target: "https://foo.example/policy",
      action: true,
      token: expect.stringMatching(/^[A-Z0-9]{6}$/),
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    const own = await call(api.apiUrl, "GET", `/v1/hashes/0x${body.id}`, { key });
    expect(own.status).toBe(200);
  });

  test.each([[true], [false], [null]])("SG-1: the action %s is kept", async (action) => {
    const { body } = await post(event(newSubject(), { action }));
    expect(body.action).toBe(action);
    expect((await get(`/${body.id}`)).body).toEqual(body);
  });

  test("SG-2: the source's form runs as it stands", async () => {
    const { status, body } = await form(
      "subject=foo%40bar.com&issuer=https%3A%2F%2Ffoo.com&target=https%3A%2F%2Ffoo.com%2Fpolicy&source=https%3A%2F%2Ffoo.com%2Flogin&scope=personalization&action=true",
    );
    expect(status).toBe(201);
    expect(body).toMatchObject({
      scope: "personalization",
      subject: "foo@bar.com",
      issuer: "https://foo.com",
      target: "https://foo.com/policy",
      source: "https://foo.com/login",
      action: true,
    });
  });

  test.each([
    ["true", true],
    ["false", false],
    ["null", null],
  ])("SG-2: action=%s in a form", async (word, action) => {
    const { body } = await form(`subject=${newSubject()}&issuer=i&target=t&action=${word}`);
    expect(body.action).toBe(action);
  });

  test("SG-2: an array gives an array in its order, all or nothing", async () => {
    const subject = newSubject();
    const scopes = Array.from({ length: 20 }, (_, index) => `scope-${index}`);
    const { status, body } = await post(scopes.map((scope) => event(subject, { scope })));
    expect(status).toBe(201);
    expect(body.map((one: { scope: string }) => one.scope)).toEqual(scopes);
    const other = newSubject();
    const bad = await post([event(other), { ...event(other), action: "yes" }]);
    expect(bad.status).toBe(422);
    expect((await get(query(other))).body).toEqual([]);
  });

  test("SG-2: an array of 1,000 is stored by one statement, in its order", async () => {
    const subject = newSubject();
    // Every statement that stores records takes one value.
    const statements = async () =>
      Number((await api.db.pool.query("SELECT last_value FROM app.consent_statements")).rows[0].last_value);
    const before = await statements();
    const events = Array.from({ length: 1_000 }, (_, i) => event(subject, { scope: `s${i}` }));
    const { body } = await post(events);
    expect(await statements()).toBe(before + 1);
    const found = (await get(query(subject))).body;
    expect(found.map(({ id }: { id: string }) => id)).toEqual(
      body.map(({ id }: { id: string }) => id).reverse(),
    );
  });

  test("SG-2: arrays hold up to 1,000 events", async () => {
    const subject = newSubject();
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => event(subject, { scope: `s${i}` }));
    expect((await post(many(1_000))).body).toHaveLength(1_000);
    expect((await post(many(1_001))).status).toBe(422);
    expect((await post([])).status).toBe(422);
  });
});

describe("SG-12 errors name the parameter", () => {
  test.each([
    ["subject", { subject: undefined }],
    ["issuer", { issuer: "" }],
    ["target", { target: 7 }],
    ["action", { action: undefined }],
    ["action", { action: "true" }],
    ["scope", { scope: "x".repeat(2_049) }],
  ])("SG-12: %s", async (parameter, changed) => {
    const { status, body } = await post(event("foo", changed));
    expect(status).toBe(422);
    expect(body).toMatchObject({
      error: "invalid_parameter",
      message: expect.stringContaining(parameter),
      parameter,
    });
  });

  test("SG-12: in a form too, and a repeated name is a 400", async () => {
    expect(await form("subject=a&issuer=b&target=c")).toMatchObject({
      status: 422,
      body: { parameter: "action" },
    });
    expect(await form("subject=a&issuer=b&target=c&action=yes")).toMatchObject({
      status: 422,
      body: { parameter: "action" },
    });
    expect((await form("subject=a&subject=b&issuer=b&target=c&action=true")).status).toBe(400);
    for (const subject of ["%FF", "%E2%82", "a%ED%A0%80"])
      expect(await form(`subject=${subject}&issuer=b&target=c&action=true`)).toMatchObject({
        status: 400,
        body: { error: "bad_request", message: "Request body is not valid UTF-8" },
      });
    const percent = await form("subject=100%25+%E2%82%AC&issuer=b&target=%zz&action=true");
    expect(percent.body).toMatchObject({ subject: "100% \u20ac", target: "%zz" });
  });

  test("SG-12: no key, another tenant's event and an unknown one", async () => {
    const { body } = await post(event(newSubject()));
    const other = await createTenantKey(api);
    expect((await call(api.apiUrl, "GET", `${BASE}/${body.id}`)).body).toEqual({
      error: "unauthorized",
      message: expect.any(String),
    });
    for (const path of [`/${body.id}`, `/${body.id}/receipt`, `/token/${body.token}`])
      expect(await get(path, other.key)).toMatchObject({ status: 404, body: { error: "not_found" } });
    expect((await get(`/${"0".repeat(64)}`)).status).toBe(404);
    expect((await get("/nonsense")).status).toBe(404);
  });
});

describe("SG-5 tokens", () => {
  test("SG-5: a token finds its newest event in any case; several say how many, and all=true gives them", async () => {
    const [first, second] = [(await post(event(newSubject()))).body, (await post(event(newSubject()))).body];
    expect((await get(`/token/${first.token.toLowerCase()}`)).body).toEqual(first);
    await api.db.pool.query("UPDATE app.consents SET short_token = $1 WHERE record_digest = $2", [
      first.token,
      Buffer.from(second.id, "hex"),
    ]);
    const one = await get(`/token/${first.token}`);
    expect(one.body.id).toBe(second.id);
    expect(one.headers.get("X-Total-Count")).toBe("2");
    const all = await get(`/token/${first.token}?all=true`);
    expect(all.body.map(({ id }: { id: string }) => id)).toEqual([second.id, first.id]);
    expect((await get("/token/ZZZZZ")).status).toBe(404);
  });
});

describe("SG-6 search", () => {
  test("SG-5, SG-6, SG-8: the source's other calls run as they stand", async () => {
    const own = await createTenantKey(api);
    const foo =
      "subject=torgeir%40signatu.com&issuer=foo.com&target=https%3A%2F%2Ffoo.com%2Fpolicy&source=https%3A%2F%2Ffoo.com%2Flogin";
    const sent = (more: string) => form(`${foo}${more}`, own.key);
    const search = (more: string) =>
      get(
        `/search?issuer=foo.com&target=https%3A%2F%2Ffoo.com%2Fpolicy&subject=torgeir%40signatu.com${more}`,
        own.key,
      );
    const granted = await sent("&scope=personalization&action=true");
    expect(granted).toMatchObject({ status: 201, body: { action: true } });
    expect((await sent("&scope=personalization&action=false")).body).toMatchObject({ action: false });
    expect((await sent("&scope=marketing&action=false")).body).toMatchObject({ action: false });
    const rows = ({ body }: { body: { scope: string; action: boolean }[] }) =>
      body.map(({ scope, action }) => [scope, action]);
    expect(rows(await search(""))).toEqual([
      ["marketing", false],
      ["personalization", false],
      ["personalization", true],
    ]);
    expect(rows(await search("&current=true"))).toEqual([
      ["marketing", false],
      ["personalization", false],
    ]);
    expect(rows(await search("&current=true&scope=marketing"))).toEqual([["marketing", false]]);
    expect((await get(`/token/${granted.body.token}`, own.key)).body).toEqual(granted.body);
    expect((await get(`/${granted.body.id}/receipt`, own.key)).body).toEqual({ receipt: expect.any(String) });
    const numbers = { total: 3, accepted: 1, declined: 2, noAction: 0, subjects: 1 };
    expect((await get("/statistics", own.key)).body).toMatchObject(numbers);
  });

  test("SG-6: newest first; of equal times the last one appended", async () => {
    const subject = newSubject();
    const sent = (await post([true, false, null].map((action) => event(subject, { action })))).body;
    const found = (await get(query(subject))).body;
    expect(found.map(({ id }: { id: string }) => id)).toEqual(
      sent.map(({ id }: { id: string }) => id).reverse(),
    );
  });

  test("SG-6: current=true gives the newest of each scope, and with a scope one in an array", async () => {
    const subject = newSubject();
    await post(event(subject, { scope: "a", action: true }));
    await post(event(subject, { scope: "b", action: true }));
    await post(event(subject, { scope: "a", action: false }));
    const current = (await get(query(subject, "&current=true"))).body;
    expect(current.map((one: { scope: string; action: boolean }) => [one.scope, one.action])).toEqual([
      ["a", false],
      ["b", true],
    ]);
    const ofScope = (await get(query(subject, "&current=true&scope=b"))).body;
    expect(ofScope).toHaveLength(1);
    expect((await get(query(subject, "&current=true&scope=c"))).body).toEqual([]);
  });

  test("SG-6: subject, issuer and target are required, match exactly, and source narrows", async () => {
    const subject = newSubject();
    await post(event(subject, { source: "one" }));
    await post(event(subject, { target: "https://foo.example/policy/v2", source: "two" }));
    expect((await get(query(subject))).body).toHaveLength(1);
    expect((await get(query(subject, "&match=prefix"))).body).toHaveLength(2);
    expect((await get(query(subject, "&match=prefix&source=two"))).body).toHaveLength(1);
    for (const name of ["subject", "issuer", "target"]) {
      const without = query(subject).replace(new RegExp(`${name}=[^&]*&?`), "");
      expect(await get(without)).toMatchObject({ status: 422, body: { parameter: name } });
    }
    const other = await createTenantKey(api);
    expect((await get(query(subject), other.key)).body).toEqual([]);
  });

  test("SG-6: what is more than a page follows after its last event, with source and with current, too", async () => {
    const subject = newSubject();
    const scopes = Array.from({ length: 5 }, (_, i) => ({ scope: `s${i}`, source: i % 2 ? "odd" : "even" }));
    await post(scopes.map((changed) => event(subject, changed)));
    const follow = async (more: string) => {
      const pages: string[][] = [];
      for (let next = `${query(subject, more)}&limit=2`; next !== ""; ) {
        const { body, headers } = await get(next);
        pages.push(body.map(({ scope }: { scope: string }) => scope));
        const link = /^<\?(.*)>; rel="next"$/.exec(headers.get("Link") ?? "")?.[1];
        next = link === undefined ? "" : `/search?${link}`;
      }
      return pages;
    };
    expect(await follow("")).toEqual([["s4", "s3"], ["s2", "s1"], ["s0"]]);
    expect(await follow("&current=true")).toEqual([["s4", "s3"], ["s2", "s1"], ["s0"]]);
    expect(await follow("&source=odd")).toEqual([["s3"], ["s1"], []]);
    expect(await follow("&source=odd&current=true")).toEqual([["s3", "s1"]]);
    const stranger = await createTenantKey(api);
    const { id } = (await post(event(subject), stranger.key)).body;
    for (const after of [id, "x", "0".repeat(64)])
      expect(await get(query(subject, `&after=${after}`))).toMatchObject({
        status: 422,
        body: { parameter: "after" },
      });
    for (const limit of ["0", "1001", "x"])
      expect(await get(query(subject, `&limit=${limit}`))).toMatchObject({ body: { parameter: "limit" } });
  });

  test("SG-6: the newest of each scope of one source is found behind more than a page of others", async () => {
    const subject = newSubject();
    await post(event(subject, { source: "first", scope: "first" }));
    await post(Array.from({ length: 1_000 }, () => event(subject, { source: "other" })));
    const found = (await get(query(subject, "&current=true&source=first"))).body;
    expect(found).toMatchObject([{ scope: "first" }]);
  });

  test("SG-6: source narrows before the newest of a scope is chosen", async () => {
    const subject = newSubject();
    await post(event(subject, { source: "one", action: true }));
    await post(event(subject, { source: "two", action: false }));
    const current = (await get(query(subject, "&current=true&source=one"))).body;
    expect(current).toMatchObject([{ source: "one", action: true }]);
  });
});

describe("SG-7, SG-8 statistics and withdrawal", () => {
  test("SG-7: counts of the calling tenant by target and scope; SG-8: null never counts as consent", async () => {
    const own = await createTenantKey(api);
    const send = (changed: object) => post(event("one", changed), own.key);
    await send({ action: true });
    await send({ action: false });
    await send({ action: null, scope: "ads", subject: "two" });
    const { body } = await get("/statistics", own.key);
    expect(body).toEqual({
      total: 3,
      accepted: 1,
      declined: 1,
      noAction: 1,
      subjects: 2,
      byTarget: [{ target: "https://foo.example/policy", total: 3, accepted: 1, declined: 1, noAction: 1 }],
      byScope: [
        { scope: "default", total: 2, accepted: 1, declined: 1, noAction: 0 },
        { scope: "ads", total: 1, accepted: 0, declined: 0, noAction: 1 },
      ],
      from: null,
      to: null,
    });
    expect((await get("/statistics?from=2999-01-01", own.key)).body).toMatchObject({
      total: 0,
      byTarget: [],
    });
    expect((await get("/statistics?to=2999-01-01T00:00:00Z", own.key)).body.total).toBe(3);
    for (const time of ["yesterday", "0000-01-01", "9999-12-31T23:59:59-01:00"])
      expect((await get(`/statistics?from=${time}`, own.key)).status, time).toBe(422);
  });

  test("SG-8: a withdrawal follows the grant in its thread", async () => {
    const subject = newSubject();
    const grant = (await post(event(subject))).body;
    const withdrawal = (await post(event(subject, { action: false }))).body;
    const history = (await get(historyQuery(subject))).body;
    expect(history.records.map(({ event: { id } }: { event: { id: string } }) => id)).toEqual([
      grant.id,
      withdrawal.id,
    ]);
    expect(history.records[1].record).toMatchObject({ action: "withdraw", previous: `sha256:${grant.id}` });
  });

  test("protocol §8: the service signs how many records a history has, and which is the last; pages hold its parts", async () => {
    const subject = newSubject();
    const sent = (await post([true, false, true].map((action) => event(subject, { action })))).body;
    const { body } = await get(historyQuery(subject));
    const statement = {
      iss: expect.stringMatching(/\/consent\/v0$/),
      iat: expect.any(Number),
      count: 3,
      last: `sha256:${sent[2].id}`,
    };
    expect(body.total).toBe(3);
    expect(decodeProtectedHeader(body.statement)).toMatchObject({
      alg: "RS256",
      typ: "holdfast-history+jwt",
    });
    expect(decodeJwt(body.statement)).toEqual(statement);
    const jwks = (await call(api.apiUrl, "GET", "/.well-known/jwks.json")).body;
    await jwtVerify(body.statement, createLocalJWKSet(jwks), { typ: "holdfast-history+jwt" });
    const ids = async (page: string) => {
      const part = (await get(`${historyQuery(subject)}${page}`)).body;
      expect(decodeJwt(part.statement)).toEqual(statement);
      return part.records.map(({ event: { id } }: { event: { id: string } }) => id);
    };
    expect(await ids("&limit=2")).toEqual([sent[0].id, sent[1].id]);
    expect(await ids("&limit=2&offset=2")).toEqual([sent[2].id]);
    expect(await ids("&offset=3")).toEqual([]);
  });

  test("a history of no record has no statement, as has another tenant's", async () => {
    const subject = newSubject();
    await post(event(subject));
    const other = await createTenantKey(api);
    const none = { status: 200, body: { total: 0, statement: null, records: [] } };
    expect(await get(historyQuery(subject), other.key)).toMatchObject(none);
    expect(await get(historyQuery(newSubject()))).toMatchObject(none);
  });
});

describe("SG-4, SG-9, SG-10 receipts", () => {
  const receiptOf = async (changed: object = {}) => {
    const { body } = await post(event(newSubject(), { source: "https://foo.example/login", ...changed }));
    return { event: body, receipt: (await get(`/${body.id}/receipt`)).body.receipt as string };
  };

  test("SG-9: an RS256 JWT with the source's claims, whose key is behind its URL and in the JWK Set", async () => {
    const { event: sent, receipt } = await receiptOf();
    const header = decodeProtectedHeader(receipt);
    expect(header).toEqual({ alg: "RS256", typ: "JWT", kid: expect.any(String) });
    const claims = decodeJwt(receipt);
    const { id, subject, issuer, target, source, scope, action } = sent;
    expect(claims).toEqual({
      sub: subject,
      policyUrl: target,
      iat: Math.floor(Date.parse(sent.createdAt) / 1_000),
      publicKey: expect.stringMatching(/\/consent\/v0\/keys\/[0-9a-f]{16}\.pem$/),
      dataController: { org: issuer },
      iss: expect.stringMatching(/\/consent\/v0$/),
      jti: sent.token,
      signatu: { consent: { id, subject, issuer, target, source, scope, action } },
    });
    const pem = await fetch(api.apiUrl + new URL(String(claims.publicKey)).pathname);
    await jwtVerify(receipt, await importSPKI(await pem.text(), "RS256"), {
      currentDate: new Date(sent.createdAt),
    });
    const jwks = (await call(api.apiUrl, "GET", "/.well-known/jwks.json")).body;
    await jwtVerify(receipt, createLocalJWKSet(jwks));
  });

  test("SG-9: the same event gives the same claims, also after its key was rotated, and both verify", async () => {
    const { event: sent, receipt } = await receiptOf();
    await api.db.pool.query(
      "UPDATE app.service_keys SET signs_until = now() WHERE purpose = 'consent_receipt'",
    );
    const later = await api.startApi();
    const again = (await call(later.url, "GET", `${BASE}/${sent.id}/receipt`, bearer(key))).body.receipt;
    expect(decodeProtectedHeader(again).kid).not.toBe(decodeProtectedHeader(receipt).kid);
    const { publicKey: _before, ...before } = decodeJwt(receipt);
    const { publicKey: _after, ...after } = decodeJwt(again);
    expect(after).toEqual(before);
    const jwks = createLocalJWKSet((await call(api.apiUrl, "GET", "/.well-known/jwks.json")).body);
    for (const one of [receipt, again]) await jwtVerify(one, jwks);
    await later.process.stop();
  });

  test.each([[true], [false], [null]])(
    "SG-10: the Kantara receipt of action %s validates against its schema",
    async (action) => {
      const { event: sent } = await receiptOf({ action });
      const { body } = await get(`/${sent.id}/receipt?format=kantara`);
      const schema = JSON.parse(readFileSync("test/vectors/kantara-consent-receipt-1.1.schema.json", "utf8"));
      const validate = new Ajv2020({ strict: false }).compile(schema);
      expect(validate(body), JSON.stringify(validate.errors)).toBe(true);
      expect(body).toMatchObject({
        consentReceiptID: sent.id,
        piiPrincipalId: sent.subject,
        policyUrl: sent.target,
      });
    },
  );

  test.each([
    [true, "ConsentGiven"],
    [false, "ConsentRefused"],
    [null, "ConsentUnknown"],
  ])(
    "SG-10: the DPV receipt of action %s expands without anything from elsewhere",
    async (action, status) => {
      const { event: sent } = await receiptOf({ action });
      const { body, headers } = await get(`/${sent.id}/receipt?format=dpv`);
      expect(headers.get("Content-Type")).toContain("application/ld+json");
      const documentLoader = () => Promise.reject(new Error("nothing is loaded"));
      const [expanded] = (await jsonld.expand(body, { documentLoader, safe: true } as object)) as Record<
        string,
        never
      >[];
      const dct = (name: string) => `http://purl.org/dc/terms/${name}`;
      const dpv = (name: string) => `https://w3id.org/dpv#${name}`;
      expect(expanded).toMatchObject({
        "@type": [dpv("ConsentReceipt")],
        [dct("conformsTo")]: [{ "@id": "https://w3id.org/dpv/schema/dpv-27560#receipt" }],
        [dpv("hasIdentifier")]: [{ "@value": sent.id }],
        [dct("identifier")]: [{ "@value": sent.id }],
        [dct("created")]: [
          { "@type": "http://www.w3.org/2001/XMLSchema#dateTime", "@value": sent.createdAt },
        ],
        [dpv("hasRecordOfActivity")]: [
          {
            "@type": [dpv("ConsentRecord")],
            [dpv("hasDataSubject")]: [{ [dct("identifier")]: [{ "@value": sent.subject }] }],
            [dpv("hasDataController")]: [{ [dct("identifier")]: [{ "@value": sent.issuer }] }],
            [dpv("hasNotice")]: [{ [dct("source")]: [{ "@value": sent.target }] }],
            [dpv("hasProcess")]: [{ [dpv("hasPurpose")]: [{ [dct("title")]: [{ "@value": sent.scope }] }] }],
            [dpv("hasConsentStatus")]: [
              {
                "@type": [dpv(status)],
                [dpv("isIndicatedAtTime")]: [{ "@value": sent.createdAt }],
                [dct("identifier")]: [{ "@value": sent.token }],
              },
            ],
          },
        ],
      });
      const [record] = expanded![dpv("hasRecordOfActivity")]! as object[];
      expect(record).not.toHaveProperty([dct("conformsTo")]);
    },
  );

  test("SG-10: a withdrawal is told from a decline", async () => {
    const subject = newSubject();
    await post(event(subject));
    const { body } = await post(event(subject, { action: false }));
    const receipt = (await get(`/${body.id}/receipt?format=dpv`)).body;
    expect(receipt["dpv:hasRecordOfActivity"]["dpv:hasConsentStatus"]["@type"]).toBe("dpv:ConsentWithdrawn");
  });

  test("SG-10: another format is a 422", async () => {
    const { event: sent } = await receiptOf();
    expect(await get(`/${sent.id}/receipt?format=xml`)).toMatchObject({
      status: 422,
      body: { parameter: "format" },
    });
  });
});

describe("SG-11 client credentials", () => {
  const token = (text: string, headers: Record<string, string> = {}) =>
    call(api.apiUrl, "POST", "/oauth/token", {
      raw: text,
      headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers },
    });
  const grant = (id: string, secret: string) =>
    `grant_type=client_credentials&scope=consent&client_id=${id}&client_secret=${secret}`;

  test("SG-11: a key's id and the key get a Bearer token for an hour, in the form or as Basic", async () => {
    const inForm = await token(grant(keyId, key));
    expect(inForm).toMatchObject({
      status: 200,
      body: { access_token: expect.any(String), token_type: "Bearer", expires_in: 3_600, scope: "consent" },
    });
    expect(inForm.headers.get("Cache-Control")).toBe("no-store");
    const basic = Buffer.from(`${keyId}:${key}`).toString("base64");
    const asBasic = await token("grant_type=client_credentials", { Authorization: `Basic ${basic}` });
    for (const { body } of [inForm, asBasic]) {
      expect((await post(event(newSubject()), body.access_token)).status).toBe(201);
      expect((await get("/statistics", body.access_token)).status).toBe(200);
    }
  });

  test("SG-11: other credentials, grants and scopes are refused as RFC 6749 says", async () => {
    expect(await token(grant(keyId, `ha_${"0".repeat(64)}`))).toMatchObject({
      status: 401,
      body: { error: "invalid_client" },
    });
    const other = await createTenantKey(api);
    expect((await token(grant(other.keyId, key))).body.error).toBe("invalid_client");
    expect((await token(`${grant(keyId, key)}`.replace("client_credentials", "password"))).body.error).toBe(
      "unsupported_grant_type",
    );
    expect((await token(grant(keyId, key).replace("scope=consent", "scope=admin"))).body.error).toBe(
      "invalid_scope",
    );
    expect((await token("grant_type=client_credentials")).status).toBe(401);
  });

  test("SG-11: whatever goes wrong is worded as RFC 6749 says", async () => {
    const twice = await token("grant_type=client_credentials&grant_type=client_credentials");
    expect(twice).toMatchObject({
      status: 400,
      body: { error: "invalid_request", error_description: expect.any(String) },
    });
    expect(twice.body).not.toHaveProperty("member");
  });

  test("SG-11: a token that its key signed after it was retired, or for longer than an hour, opens nothing", async () => {
    const own = await createTenantKey(api);
    const { body } = await token(grant(own.keyId, own.key));
    const { kid } = decodeProtectedHeader(body.access_token);
    const { rows } = await api.db.pool.query<{ sealed_key: Buffer }>(
      "SELECT sealed_key FROM app.service_keys WHERE kid = $1",
      [kid],
    );
    const pem = createSecretBox([TEST_SECRET]).open(rows[0]!.sealed_key, contextOf(kid!)).toString();
    const claims = decodeJwt(body.access_token);
    const sign = async (changes: object) =>
      new SignJWT({ ...claims, ...changes })
        .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: kid! })
        .sign(await importPKCS8(pem, "EdDSA"));
    const statusOf = async (changes: object) => (await get("/statistics", await sign(changes))).status;
    expect(await statusOf({})).toBe(200);
    expect(await statusOf({ exp: claims.exp! + 1 })).toBe(401);
    await retireServiceKey(api.db, kid!, new Date(claims.iat! * 1_000 - SERVICE_KEY_STALE_MS));
    const later = await api.startApi();
    const after = await call(later.url, "GET", `${BASE}/statistics`, bearer(body.access_token));
    expect(after.status).toBe(401);
    await later.process.stop();
  });

  test("SG-11: a token opens nothing but the consent receipts, and ends with its key", async () => {
    const own = await createTenantKey(api);
    const { body } = await token(grant(own.keyId, own.key));
    expect((await call(api.apiUrl, "GET", "/v1/quota", bearer(body.access_token))).status).toBe(401);
    expect((await call(api.apiUrl, "GET", "/auth/me", bearer(body.access_token))).status).toBe(401);
    await call(api.apiUrl, "DELETE", `/admin/api-keys/${own.keyId}`, { key: api.adminKey });
    expect((await get("/statistics", body.access_token)).status).toBe(401);
    expect((await post(event("x"), body.access_token)).status).toBe(401);
  });

  test.each(["\u0000", "x".repeat(1_000), "0123456789ABCDEF"])(
    "HA-20: a token of a key id that none can have is a 401: %j",
    async (kid) => {
      const header = Buffer.from(JSON.stringify({ alg: "RS256", typ: "at+jwt", kid })).toString("base64url");
      expect((await get("/statistics", `${header}.e30.AA`)).status).toBe(401);
    },
  );

  test("protocol §9: receipts and account tokens are no access tokens", async () => {
    const { body } = await post(event(newSubject()));
    const { receipt } = (await get(`/${body.id}/receipt`)).body;
    expect((await get("/statistics", receipt)).status).toBe(401);
    const account = await call(api.apiUrl, "POST", "/auth/register", {
      body: { name: "A", email: `a${Date.now()}@example.org`, password: "correct horse battery" },
    });
    expect((await post(event("x"), account.body.token)).status).toBe(403);
  });

  test("an access token's key stays the server's", async () => {
    const jwks = (await call(api.apiUrl, "GET", "/.well-known/jwks.json")).body.keys;
    for (const jwk of jwks) {
      expect(jwk).not.toHaveProperty("d");
      createPublicKey({ key: jwk, format: "jwk" });
    }
  });
});
