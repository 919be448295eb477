import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { disclosureDigest, encodeDisclosure, type Json, recordDigest } from "#protocol/consentRecord.ts";
import { startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { startIssuer } from "#test/support/issuedReceipts.ts";
import type { Pins } from "./pins.ts";
import { reportOf } from "./report.ts";
import type { Verification } from "./verification.ts";
import { verifyFile } from "./verifyFile.ts";
import type { HistoryVerification } from "./verifyHistory.ts";

const SUBJECT = "foo@bar.example";
const ISSUER = "https://foo.example";
const TARGET = "https://foo.example/policy";
const CREATED = "2026-11-22T05:00:12.345Z";

type TestRecord = {
  record: Record<string, Json>;
  disclosures: string[];
  _sd: string[];
  digest: string;
  receipt: unknown;
};

let chain: TestChain;
/** Grant, withdrawal, grant of one thread. */
let thread: TestRecord[];
/** A record of another scope, which is the first of its thread. */
let stranger: TestRecord;
let rsa: { privateKey: KeyObject; pem: string };

beforeAll(async () => {
  chain = await startHardhatChain();
  const issuer = await startIssuer(chain);
  const records: Omit<TestRecord, "receipt">[] = [];
  for (const action of ["grant", "withdraw", "grant"]) records.push(newRecord(action, "ads", records.at(-1)));
  records.push(newRecord("grant", "mail"));
  const receipts = await issuer.anchor(records.map(({ digest }) => `0x${digest}` as const));
  const anchored = records.map((record, place) => ({ ...record, receipt: receipts[place] }));
  [thread, stranger] = [anchored.slice(0, 3), anchored[3]!];
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  rsa = { privateKey, pem: publicKey.export({ type: "spki", format: "pem" }).toString() };
});
afterAll(() => chain?.stop());

function newRecord(
  action: string,
  scope: string,
  previous?: { digest: string },
): Omit<TestRecord, "receipt"> {
  const record: Record<string, Json> = {
    type: "consent_event",
    action,
    issuer: ISSUER,
    target: TARGET,
    scope,
    created: CREATED,
    ...(previous ? { previous: `sha256:${previous.digest}` } : {}),
    subject: SUBJECT,
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
const verifyRecords = async (records: unknown[]) => (await verify({ records })) as HistoryVerification;
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
    expect(await verify({ data: { records: thread.slice(0, 2) } })).toMatchObject({ verdict: "valid" });
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

  test("fields may be left out, but without `previous` nothing is said of what came before", async () => {
    const shared = thread.map((record) => without("subject", record));
    expect(await verifyRecords(shared)).toMatchObject({
      verdict: "unchecked",
      reasons: ["previousWithheld"],
      thread: [{ name: "start", outcome: "unchecked" }, { outcome: "passed" }, { outcome: "passed" }],
    });
    expect(await verifyRecords([thread[0]!, ...shared.slice(1)])).toMatchObject({ verdict: "valid" });
    const hidden = [thread[0]!, without("previous", thread[1]!)];
    expect((await verifyRecords(hidden)).thread[1]).toMatchObject({ reason: "previousWithheld" });
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
  const proofOf = ({ receipt, disclosures, _sd }: TestRecord) => ({ anchor: receipt, disclosures, _sd });
  const jwt = (claims: object, header: object = {}) => {
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
    const text = `${encode({ alg: "RS256", typ: "JWT", kid: "0123456789abcdef", ...header })}.${encode(claims)}`;
    return `${text}.${sign("sha256", Buffer.from(text), rsa.privateKey).toString("base64url")}`;
  };
  const jwtClaims = () => ({
    sub: SUBJECT,
    policyUrl: TARGET,
    iat: Math.floor(Date.parse(CREATED) / 1_000),
    dataController: { org: ISSUER },
    signatu: { consent: { id: thread[1]!.digest, subject: SUBJECT, scope: "ads", action: false } },
    ...proofOf(thread[1]!),
  });
  const kantara = () => ({
    version: "KI-CR-v1.1.0",
    consentReceiptID: thread[1]!.digest,
    consentTimestamp: Math.floor(Date.parse(CREATED) / 1_000),
    collectionMethod: "not stated",
    piiPrincipalId: SUBJECT,
    piiControllers: [{ piiController: ISSUER }],
    services: [{ service: ISSUER, purposes: [{ purpose: "ads", consentType: "DECLINED OR WITHDRAWN" }] }],
    ...proofOf(thread[1]!),
  });
  const dpv = () => ({
    "@type": "dpv:ConsentReceipt",
    "dct:identifier": thread[1]!.digest,
    "dpv:hasRecordOfActivity": {
      "dct:created": CREATED,
      "dpv:hasDataSubject": { "dct:identifier": SUBJECT },
      "dpv:hasConsentStatus": "dpv:ConsentWithdrawn",
    },
    ...proofOf(thread[1]!),
  });

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
      [JSON.stringify(thread[1]!.receipt), pins],
    ] as const)
      expect(await verifyText(text, by)).toMatchObject({ verdict: "invalid", reasons: ["badJwtSignature"] });
    await expect(verifyText(good, { jwtKey: "no PEM" })).rejects.toThrow("jwtKey is not an RSA public key");
  });

  test("a Kantara receipt and a DPV receipt are valid", async () => {
    expect(await verify(kantara())).toMatchObject({ verdict: "valid" });
    expect(await verify(dpv())).toMatchObject({ verdict: "valid" });
  });

  test.each<[string, () => unknown]>([
    ["a JWT of another subject", () => ({ receipt: jwt({ ...jwtClaims(), sub: "somebody else" }) })],
    ["a JWT of another time", () => ({ receipt: jwt({ ...jwtClaims(), iat: 1 }) })],
    [
      "a JWT that turns a withdrawal into a consent",
      () => ({ receipt: jwt({ ...jwtClaims(), signatu: { consent: { action: true } } }) }),
    ],
    [
      "a JWT that names a field which is not disclosed",
      () => ({ receipt: jwt({ ...jwtClaims(), disclosures: [] }) }),
    ],
    [
      "a Kantara receipt of another controller",
      () => ({ ...kantara(), piiControllers: [{ piiController: "x" }] }),
    ],
    [
      "a Kantara receipt with a second service",
      () => ({ ...kantara(), services: [...kantara().services, {}] }),
    ],
    ["a Kantara receipt that hides the subject", () => ({ ...kantara(), piiPrincipalId: "erased" })],
    [
      "a DPV receipt of another status",
      () => ({
        ...dpv(),
        "dpv:hasRecordOfActivity": { "dpv:hasConsentStatus": "dpv:ConsentGiven" },
      }),
    ],
    ["a DPV receipt of another id", () => ({ ...dpv(), "dct:identifier": thread[0]!.digest })],
  ])("%s is invalid", async (_what, file) => {
    expect(await verify(file())).toMatchObject({ verdict: "invalid", reasons: ["claimNotInRecord"] });
  });

  test.each<[string, () => unknown]>([
    ["JWT", () => ({ receipt: jwt({ sub: SUBJECT }) })],
    ["Kantara receipt", () => ({ version: "KI-CR-v1.1.0" })],
    ["consent", () => ({ data: { receipt: null, disclosures: [], _sd: [] } })],
  ])("a %s that is not anchored yet is not checked", async (_what, file) => {
    expect(await verify(file())).toMatchObject({ verdict: "unchecked", reasons: ["notAnchoredYet"] });
  });

  test.each<[string, () => unknown]>([
    ["what only looks like a JWT", () => ({ receipt: "a.b.c" })],
    ["a JWT of a list", () => ({ receipt: jwt([]) })],
  ])("%s is no anchor receipt", async (_what, file) => {
    expect(await verify(file())).toMatchObject({ verdict: "invalid", reasons: ["notAReceipt"] });
  });
});
