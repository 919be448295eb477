import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OriginKind } from "#protocol/consentOrigin.ts";
import type { ConsentEvent, RecordedAction } from "#protocol/consentReceipts/consentEvent.ts";
import { DPV_PROFILE, dpvReceipt } from "#protocol/consentReceipts/dpvReceipt.ts";
import { dpvReceiptFirstForm } from "#protocol/consentReceipts/dpvReceiptFirstForm.ts";
import { HISTORY_STATEMENT_TYPE } from "#protocol/consentReceipts/historyStatement.ts";
import { jwtReceiptClaims } from "#protocol/consentReceipts/jwtReceiptClaims.ts";
import { kantaraReceipt } from "#protocol/consentReceipts/kantaraReceipt.ts";
import { disclosureDigest, encodeDisclosure, type Json, recordDigest } from "#protocol/consentRecord.ts";
import { startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { startIssuer } from "#test/support/issuedReceipts.ts";
import { createOriginIssuer, type OriginIssuer } from "#test/support/origins.ts";
import type { Pins } from "./pins.ts";
import { reportOf } from "./report.ts";
import type { Verification } from "./verification.ts";
import { verifyFile } from "./verifyFile.ts";
import type { HistoryVerification } from "./verifyHistory.ts";

const SUBJECT = "foo@bar.example";
const ISSUER = "https://foo.example";
const TARGET = "https://foo.example/policy";
const CREATED = "2026-01-22T05:00:12.345Z";
const STATED_S = 1_795_323_612;
const KID = "0123456789abcdef";

type TestRecord = {
  record: Record<string, Json>;
  disclosures: string[];
  _sd: string[];
  digest: string;
  receipt: unknown;
  origin: string;
};

let chain: TestChain;
/** Grant, withdrawal, grant of one thread. */
let thread: TestRecord[];
/** A record of another scope, which is the first of its thread. */
let stranger: TestRecord;
let origins: OriginIssuer;
let rsa: { privateKey: KeyObject; pem: string };

beforeAll(async () => {
  chain = await startHardhatChain();
  const issuer = await startIssuer(chain);
  const records: Omit<TestRecord, "receipt" | "origin">[] = [];
  origins = createOriginIssuer(issuer.signer);
  for (const action of ["grant", "withdraw", "grant"]) records.push(newRecord(action, "ads", records.at(-1)));
  records.push(newRecord("grant", "mail"));
  const receipts = await issuer.anchor(records.map(({ digest }) => `0x${digest}` as const));
  const anchored = records.map((record, place) => ({
    ...record,
    receipt: receipts[place],
    origin: originOf(record.digest),
  }));
  [thread, stranger] = [anchored.slice(0, 3), anchored[3]!];
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  rsa = { privateKey, pem: publicKey.export({ type: "spki", format: "pem" }).toString() };
});
afterAll(() => chain?.stop());

function originOf(digest: string, kind: OriginKind = "consent-receipts"): string {
  const iat = Math.floor(Date.parse(CREATED) / 1_000);
  return origins.state({
    kind,
    digest: `sha256:${digest}`,
    tenant: "019ac1f0-7e1c-7000-8000-4b5a6c7d8e9f",
    iat,
  });
}

function newRecord(
  action: string,
  scope: string,
  previous?: { digest: string },
  changes: Record<string, Json> = {},
): Omit<TestRecord, "receipt" | "origin"> {
  const record: Record<string, Json> = {
    type: "consent_event",
    action,
    issuer: ISSUER,
    target: TARGET,
    scope,
    created: CREATED,
    ...(previous ? { previous: `sha256:${previous.digest}` } : {}),
    subject: SUBJECT,
    ...changes,
  };
  const disclosures = Object.entries(record).map(([name, value], place) =>
    encodeDisclosure({ salt: `salt-of-the-tests-${place}-${action}-${scope}`, name, value }),
  );
  const _sd = disclosures.map((disclosure) => disclosureDigest(disclosure)).sort();
  return { record, disclosures, _sd, digest: recordDigest(_sd).slice(2) };
}

const verifyText = (text: string, pins: Pins = {}) =>
  verifyFile(new TextEncoder().encode(text), { rpc: chain.rpcUrl, pins });
const verify = (value: unknown, pins: Pins = {}) => verifyText(JSON.stringify(value), pins);
const verifyRecords = async (records: unknown[], pins: Pins = {}) =>
  (await verify({ records, statement: statementOf(records) }, pins)) as HistoryVerification;

/** Signed with the issuer's RSA key. */
function jwt(claims: object, header: object = {}): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const text = `${encode({ alg: "RS256", typ: "JWT", kid: KID, ...header })}.${encode(claims)}`;
  return `${text}.${sign("sha256", Buffer.from(text), rsa.privateKey).toString("base64url")}`;
}
/** What the service signs of a thread that holds these records. */
function statementOf(records: unknown[], changes: object = {}, header: object = {}): string {
  const last = `sha256:${(records.at(-1) as TestRecord | undefined)?.digest}`;
  const claims = { iss: `${ISSUER}/consent/v0`, iat: STATED_S, count: records.length, last, ...changes };
  return jwt(claims, { typ: HISTORY_STATEMENT_TYPE, ...header });
}
/** The record without the disclosure of one field. */
const without = (name: string, { disclosures, record, ...others }: TestRecord) => {
  const { [name]: _gone, ...left } = record;
  const gone = Object.keys(record).indexOf(name);
  return { ...others, record: left, disclosures: disclosures.filter((_, place) => place !== gone) };
};

describe("protocol §7, §8: a history shows what is missing in it", () => {
  test("a whole thread is valid, alone or inside of an answer's data, and every record is reported", async () => {
    const verification = await verifyRecords(thread);
    expect(verification).toMatchObject({ verdict: "valid", reasons: [] });
    expect(verification.records.map(({ verdict }) => verdict)).toEqual(["valid", "valid", "valid"]);
    expect(reportOf(verification)).toMatch(/^VALID: a history of 3.*Record 3\nVALID/s);
    const records = thread.slice(0, 2);
    expect(await verify({ data: { records, statement: statementOf(records) } })).toMatchObject({
      verdict: "valid",
    });
  });

  test("that none is missing says the service, whose key has to be named", async () => {
    const unnamed = await verifyRecords(thread);
    expect(unnamed.notPinned).toContain("jwtKey");
    expect(reportOf(unnamed)).not.toContain("none is missing");
    const named = await verifyRecords(thread, { jwtKey: rsa.pem });
    expect(named).toMatchObject({ verdict: "valid", statement: { count: 3, iat: STATED_S } });
    expect(named.notPinned).not.toContain("jwtKey");
    expect(reportOf(named)).toMatch(
      /^VALID: a history of 3, of which none is missing; issuer unknown\..*2026-11-22T05:00:12/s,
    );
  });

  test("a history of more records than are ever checked at once is told to be parted", async () => {
    const records = Array(10_001).fill(0);
    expect(await verify({ records })).toMatchObject({ verdict: "unchecked", reasons: ["unreadable"] });
  });

  test("records of two customers of the service are no thread", async () => {
    const iat = Math.floor(Date.parse(CREATED) / 1_000);
    const digest = `sha256:${thread[1]!.digest}`;
    const tenant = "ffffffff-7e1c-7000-8000-4b5a6c7d8e9f";
    const origin = origins.state({ kind: "consent-receipts", digest, tenant, iat });
    expect(await verifyRecords([thread[0], { ...thread[1]!, origin }])).toMatchObject({
      verdict: "invalid",
      reasons: ["threadMixed"],
    });
  });

  test("without the service's statement nobody says how many there are", async () => {
    for (const pins of [{}, { jwtKey: rsa.pem }])
      expect(await verify({ records: thread }, pins)).toMatchObject({
        verdict: "unchecked",
        reasons: ["statementMissing"],
        statement: null,
      });
  });

  test.each<[string, () => string, string]>([
    ["of a longer thread", () => statementOf(thread, { count: 4 }), "statementMismatch"],
    ["of a thread that goes on", () => statementOf([...thread, stranger], { count: 3 }), "statementMismatch"],
    ["that is a receipt", () => statementOf(thread, {}, { typ: "JWT" }), "badJwtSignature"],
    ["with an extension", () => statementOf(thread, {}, { crit: ["exp"] }), "badJwtSignature"],
    ["of other claims", () => jwt({ last: "x" }, { typ: HISTORY_STATEMENT_TYPE }), "statementMismatch"],
    ["that was changed", () => `${statementOf(thread).split(".", 2).join(".")}.AAAA`, "badJwtSignature"],
  ])("a history with a statement %s is invalid", async (_what, statement, reason) => {
    const file = { records: thread, statement: statement() };
    expect(await verify(file, { jwtKey: rsa.pem })).toMatchObject({ verdict: "invalid", reasons: [reason] });
  });

  test("a statement that is younger than its key in the issuer's key set is not that key's", async () => {
    const jwk = createPublicKey(rsa.privateKey).export({ format: "jwk" });
    const setUntil = (exp: number) => JSON.stringify({ keys: [{ ...jwk, exp }] });
    expect(await verifyRecords(thread, { jwtKey: setUntil(STATED_S) })).toMatchObject({ verdict: "valid" });
    expect(await verifyRecords(thread, { jwtKey: setUntil(STATED_S - 1) })).toMatchObject({
      verdict: "invalid",
      reasons: ["badJwtSignature"],
    });
  });

  test("records that go back in time, or were made after their block, are invalid", async () => {
    const issuer = await startIssuer(chain);
    const back = newRecord("grant", "ads", thread[0], { created: "2026-01-21T00:00:00.000Z" });
    const late = newRecord("grant", "ads", thread[0], { created: "2999-01-01T00:00:00.000Z" });
    const receipts = await issuer.anchor([back, late].map(({ digest }) => `0x${digest}` as const));
    expect(await verifyRecords([thread[0], { ...back, receipt: receipts[0] }])).toMatchObject({
      verdict: "invalid",
      reasons: ["timesMixed"],
    });
    expect(await verifyRecords([thread[0], { ...late, receipt: receipts[1] }])).toMatchObject({
      verdict: "invalid",
      reasons: ["createdAfterBlock"],
    });
  });

  test.each<[string, () => unknown[], string]>([
    ["the withdrawal left out", () => [thread[0], thread[2]], "linkBroken"],
    ["the first left out", () => thread.slice(1), "startMissing"],
    ["another order", () => [thread[0], thread[2], thread[1]], "linkBroken"],
    ["a record twice", () => [thread[0], thread[0]], "linkBroken"],
    ["a record of another thread put first", () => [stranger, ...thread], "linkBroken"],
    ["no record at all", () => [], "notAReceipt"],
    ["a text for a record", () => ["x"], "notAReceipt"],
    ["another record's receipt", () => [{ ...thread[0], receipt: stranger.receipt }], "recordDigestMismatch"],
    [
      "a readable copy that says another action",
      () => [{ ...thread[0], record: { action: "none" } }],
      "claimNotInRecord",
    ],
    [
      "an event that says another action",
      () => [{ ...thread[0], event: { action: false } }],
      "claimNotInRecord",
    ],
    ["an event of another id", () => [{ ...thread[0], event: { id: stranger.digest } }], "claimNotInRecord"],
  ])("%s is invalid", async (_what, records, reason) => {
    const verification = await verifyRecords(records());
    expect(verification).toMatchObject({ verdict: "invalid", reasons: expect.arrayContaining([reason]) });
  });

  test("a thread whose records link and are about different subjects is invalid", async () => {
    const issuer = await startIssuer(chain);
    const other = newRecord("grant", "other scope", thread[0]);
    const [receipt] = await issuer.anchor([`0x${other.digest}`]);
    expect(await verifyRecords([thread[0], { ...other, receipt }])).toMatchObject({
      verdict: "invalid",
      reasons: ["threadMixed"],
    });
  });

  test.each<[string, () => unknown[], string]>([
    ["whose first record hides a field", () => [without("type", thread[0]!), thread[1]], "previousWithheld"],
    [
      "whose second record hides the one before it",
      () => [thread[0], without("previous", thread[1]!)],
      "previousWithheld",
    ],
    ["that hides a subject", () => [thread[0], without("subject", thread[1]!)], "threadWithheld"],
    ["that hides a time", () => [thread[0], without("created", thread[1]!)], "createdWithheld"],
  ])("a history %s is not checked", async (_what, records, reason) => {
    expect(await verifyRecords(records())).toMatchObject({ verdict: "unchecked", reasons: [reason] });
  });

  test("what decides nothing about the thread may be left out of all but the first", async () => {
    const records = [thread[0], without("type", thread[1]!)];
    expect(await verifyRecords(records)).toMatchObject({ verdict: "valid" });
  });

  test("a record that is not anchored yet leaves it unchecked, and its link is looked at all the same", async () => {
    const fresh = { ...thread[2]!, receipt: null };
    const verification = await verifyRecords([thread[0], thread[1], fresh]);
    expect(verification).toMatchObject({ verdict: "unchecked", reasons: ["notAnchoredYet"] });
    expect(await verifyRecords([thread[0], fresh])).toMatchObject({
      verdict: "invalid",
      reasons: ["linkBroken"],
    });
  });
});

describe("SG-9, SG-10: consent receipts are checked with what they say in plain sight", () => {
  /** What a receipt is made of, of the withdrawal unless another record is given. */
  const input = ({ digest, record, ...proof }: TestRecord = thread[1]!) => {
    const { subject, issuer, target, scope, source, delegate, action, created } = record as Record<
      string,
      string
    >;
    const event = { id: digest, subject, issuer, target, scope, source, delegate, createdAt: created };
    return {
      event: {
        ...event,
        action: action === "none" ? null : action === "grant",
        token: "F5KLLW",
      } as ConsentEvent,
      recordedAs: action as RecordedAction,
      publicUrl: ISSUER,
      kid: KID,
      proof: {
        anchor: proof.receipt,
        disclosures: proof.disclosures,
        _sd: proof._sd,
        origin: proof.origin,
      } as never,
    };
  };
  const json = (value: object) => JSON.parse(JSON.stringify(value));
  const jwtClaims = () => json(jwtReceiptClaims(input()));
  const kantara = () => json(kantaraReceipt(input()));
  const dpv = () => json(dpvReceipt(input()));
  const firstDpv = () => json(dpvReceiptFirstForm(input()));
  /** With another value at a path. */
  const changed = (value: Record<string, never>, path: string, to: unknown) => {
    const names = path.split(">");
    const holder = names.slice(0, -1).reduce<Record<string, never>>((inner, name) => inner[name]!, value);
    holder[names.at(-1)!] = to as never;
    return value;
  };

  test("a JWT is valid as it is and as it is served; its RSA key is not pinned until it is named", async () => {
    const text = jwt(jwtClaims());
    expect(await verifyText(`${text}\n`)).toMatchObject({ verdict: "valid" });
    const verification = (await verify({ receipt: text })) as Verification;
    expect(verification).toMatchObject({ verdict: "valid" });
    expect(verification.notPinned).toContain("jwtKey");
    expect(((await verifyText(text, { jwtKey: rsa.pem })) as Verification).notPinned).not.toContain("jwtKey");
  });

  test("a JWT under another key, another algorithm or with a changed token is not the pinned key's", async () => {
    const pins = { jwtKey: rsa.pem };
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
    const otherPem = other.export({ type: "spki", format: "pem" }).toString();
    const good = jwt(jwtClaims());
    const forged = [
      good.split(".")[0],
      jwt({ ...jwtClaims(), jti: "FORGED" }).split(".")[1],
      good.split(".")[2],
    ];
    for (const [text, by] of [
      [good, { jwtKey: otherPem }],
      [jwt(jwtClaims(), { alg: "PS256" }), pins],
      [jwt(jwtClaims(), { alg: "none" }), pins],
      [forged.join("."), pins],
    ] as const)
      expect(await verifyText(text, by)).toMatchObject({ verdict: "invalid", reasons: ["badJwtSignature"] });
    await expect(verifyText(good, { jwtKey: "no PEM" })).rejects.toThrow("jwtKey is not an RSA public key");
  });

  test("a pinned RSA key is held against a JWT alone: other files are as genuine as without it", async () => {
    for (const file of [thread[1]!.receipt, kantara()])
      expect(await verify(file, { jwtKey: rsa.pem })).toMatchObject({ verdict: "valid" });
  });

  test("a JWT's key may be named in a JWK set, or as one of several", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
    const jwk = createPublicKey(rsa.privateKey).export({ format: "jwk" });
    const set = { keys: [{ kty: "OKP", crv: "Ed25519", x: "AA" }, other.export({ format: "jwk" }), jwk] };
    const text = jwt(jwtClaims());
    for (const jwtKey of [JSON.stringify(set), `${other.export({ type: "spki", format: "pem" })}${rsa.pem}`])
      expect(await verifyText(text, { jwtKey })).toMatchObject({ verdict: "valid" });
    for (const jwtKey of ['{"keys":[]}', "{}", "[]", ""])
      await expect(verifyText(text, { jwtKey })).rejects.toThrow("jwtKey is not an RSA public key");
  });

  test("a Kantara receipt and a DPV receipt are valid, and name what is their issuer's word alone", async () => {
    expect(await verify(kantara())).toMatchObject({ verdict: "valid", notProven: [] });
    for (const file of [dpv(), firstDpv()]) {
      const verification = (await verify(file)) as Verification;
      expect(verification).toMatchObject({ verdict: "valid" });
      expect(verification.notProven).toEqual([
        { name: "dct:publisher", value: ISSUER },
        { name: "event dct:identifier", value: "F5KLLW" },
      ]);
    }
  });

  test("protocol §7 each format without a statement of origin is unchecked, and with one of another surface invalid", async () => {
    const formats = (proof: { origin?: string }) => [
      { receipt: jwt({ ...jwtClaims(), ...proof }) },
      { ...kantara(), ...proof },
      { ...dpv(), ...proof },
      { ...firstDpv(), ...proof },
    ];
    for (const file of formats({ origin: undefined as never }))
      expect(await verify(json(file))).toMatchObject({ verdict: "unchecked", reasons: ["originMissing"] });
    for (const file of formats({ origin: originOf(thread[1]!.digest, "consent-log") }))
      expect(await verify(file)).toMatchObject({ verdict: "invalid", reasons: ["originMismatch"] });
  });

  test("a JWT of a time after its key's end in the issuer's key set is not that key's", async () => {
    const jwk = createPublicKey(rsa.privateKey).export({ format: "jwk" });
    const setUntil = (exp: number) => JSON.stringify({ keys: [{ ...jwk, exp }] });
    const iat = Math.floor(Date.parse(CREATED) / 1_000);
    const text = jwt(jwtClaims());
    expect(await verifyText(text, { jwtKey: setUntil(iat) })).toMatchObject({ verdict: "valid" });
    expect(await verifyText(text, { jwtKey: setUntil(iat - 1) })).toMatchObject({
      verdict: "invalid",
      reasons: ["badJwtSignature"],
    });
  });

  test.each<[string, () => unknown, string]>([
    ["a JWT of another subject", () => ({ receipt: jwt({ ...jwtClaims(), sub: "somebody else" }) }), "sub"],
    ["a JWT of another time", () => ({ receipt: jwt({ ...jwtClaims(), iat: 1 }) }), "iat"],
    [
      "a JWT that turns a withdrawal into a consent",
      () => ({ receipt: jwt(changed(jwtClaims(), "signatu>consent>action", true)) }),
      "signatu.consent.action",
    ],
    [
      "a JWT whose consents are a list",
      () => ({ receipt: jwt(changed(jwtClaims(), "signatu>consent", [{ action: true }])) }),
      "signatu.consent",
    ],
    [
      "a JWT of a key by another name",
      () => ({ receipt: jwt(jwtClaims(), { kid: "another" }) }),
      "publicKey",
    ],
    [
      "a JWT that names a field which is not disclosed",
      () => ({ receipt: jwt({ ...jwtClaims(), disclosures: [] }) }),
      "",
    ],
    [
      "a Kantara receipt of another controller",
      () => changed(kantara(), "piiControllers>0>piiController", "x"),
      "piiControllers[0].piiController",
    ],
    [
      "a Kantara receipt with a second service",
      () => ({ ...kantara(), services: [...kantara().services, {}] }),
      "services[1]",
    ],
    [
      "a Kantara receipt of another purpose",
      () => changed(kantara(), "services>0>purposes>0>purposeCategory", ["marketing"]),
      "services[0].purposes[0].purposeCategory[0]",
    ],
    [
      "a Kantara receipt that tells third parties",
      () => changed(kantara(), "services>0>purposes>0>thirdPartyName", "x"),
      "services[0].purposes[0].thirdPartyName",
    ],
    ["a Kantara receipt that says more", () => ({ ...kantara(), note: "x" }), "note"],
    [
      "a Kantara receipt that hides the subject",
      () => ({ ...kantara(), piiPrincipalId: "erased" }),
      "piiPrincipalId",
    ],
    [
      "a DPV receipt of another status",
      () => changed(dpv(), "dpv:hasRecordOfActivity>dpv:hasConsentStatus>@type", "dpv:ConsentGiven"),
      "dpv:hasRecordOfActivity.dpv:hasConsentStatus",
    ],
    [
      "a DPV receipt of the first form and of another status",
      () => changed(firstDpv(), "dpv:hasRecordOfActivity>dpv:hasConsentStatus", "dpv:ConsentGiven"),
      "dpv:hasRecordOfActivity.dpv:hasConsentStatus",
    ],
    [
      "a DPV receipt of the first form without its claim",
      () => changed(firstDpv(), "dpv:hasRecordOfActivity>dct:conformsTo", undefined),
      "",
    ],
    [
      "a DPV receipt that claims a profile for its record",
      () => changed(dpv(), "dpv:hasRecordOfActivity>dct:conformsTo", `${DPV_PROFILE}#record`),
      "",
    ],
    [
      "a DPV receipt of another id",
      () => ({ ...dpv(), "dct:identifier": thread[0]!.digest }),
      "dct:identifier",
    ],
    [
      "a DPV receipt with a status in its first level",
      () => ({ ...dpv(), "dpv:hasConsentStatus": "dpv:ConsentGiven" }),
      "dpv:hasConsentStatus",
    ],
    [
      "a DPV receipt with a second record",
      () => changed(dpv(), "dpv:hasRecordOfActivity", [dpv()["dpv:hasRecordOfActivity"]]),
      "dpv:hasRecordOfActivity",
    ],
    [
      "a DPV receipt whose names mean something else",
      () => changed(dpv(), "@context>dpv", "https://else.example/dpv#"),
      "@context.dpv",
    ],
    [
      "a DPV receipt with an alias",
      () => changed(dpv(), "@context>state", "dpv:hasConsentStatus"),
      "@context.state",
    ],
    [
      "a DPV receipt whose publisher is a word of its vocabulary",
      () => changed(dpv(), "dct:publisher>@id", "dpv:x"),
      "",
    ],
  ])("%s is invalid", async (_what, file, member) => {
    const verification = (await verify(file())) as Verification;
    expect(verification).toMatchObject({ verdict: "invalid", reasons: ["claimNotInRecord"] });
    const lie = verification.checks.find(({ name }) => name === "claims") as { claimed: string };
    expect(lie.claimed.startsWith(member)).toBe(true);
  });

  test("a JWT that is not anchored and not the pinned key's is invalid, and all that it says is its own word", async () => {
    const claims = { sub: SUBJECT, iss: "x", signatu: {} };
    const text = jwt(claims);
    const forged = `${text.split(".", 2).join(".")}.AAAA`;
    expect(await verifyText(forged, { jwtKey: rsa.pem })).toMatchObject({
      verdict: "invalid",
      reasons: ["badJwtSignature"],
      notProven: [
        { name: "receipt", value: claims },
        { name: "iss", value: "x" },
      ],
    });
    expect(await verifyText(text, { jwtKey: rsa.pem })).toMatchObject({ verdict: "unchecked" });
  });

  test.each<[string, () => unknown]>([
    ["JWT", () => ({ receipt: jwt({ sub: SUBJECT, signatu: {} }) })],
    ["Kantara receipt", () => ({ version: "KI-CR-v1.1.0" })],
    ["consent", () => ({ data: { receipt: null, disclosures: [], _sd: [] } })],
  ])("a %s that is not anchored yet is not checked", async (_what, file) => {
    expect(await verify(file())).toMatchObject({ verdict: "unchecked", reasons: ["notAnchoredYet"] });
  });

  test.each<[string, () => unknown]>([
    ["what only looks like a JWT", () => ({ receipt: "a.b.c" })],
    ["a JWT of a list", () => ({ receipt: jwt([]) })],
    ["a JWT of another kind", () => ({ receipt: jwt({ sub: SUBJECT }) })],
  ])("%s is no receipt that could be checked", async (_what, file) => {
    expect(await verify(file())).toMatchObject({ verdict: "unchecked", reasons: ["unreadable"] });
  });
});
