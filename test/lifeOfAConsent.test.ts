import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dpvReceipt } from "#protocol/consentReceipts/dpvReceipt.ts";
import { kantaraReceipt } from "#protocol/consentReceipts/kantaraReceipt.ts";
import { disclosureDigest, encodeDisclosure, recordDigest } from "#protocol/consentRecord.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { type Stack, startStack } from "#scripts/stack/startStack.ts";
import { rowsHolding } from "#test/support/api.ts";
import { call, createTenantKey } from "#test/support/client.ts";
import { hasPython, recomputeInPython } from "#test/support/python.ts";
import { until } from "#test/support/until.ts";

const person = `visitor-${randomUUID()}`;
const values = [person, `agent-${randomUUID()}`, `order-${randomUUID()}`];

let home: string;
let stack: Stack;
let key: string;
let token: string;
// biome-ignore lint/suspicious/noExplicitAny: what a service answers is what the test is about
let anchored: any;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "holdfast-consent-"));
  stack = await startStack({
    home,
    settings: { SEAL_INTERVAL_MS: "200", CHAIN_CONFIRMATIONS: "2" },
    ports: { api: 0, indexer: 0, rpc: 0 },
    onProgress: () => {},
    onFailure: () => {},
    signal: new AbortController().signal,
  });
  const scopes = ["submit", "query", "manage"];
  const site = "shop.example";
  ({ key } = await createTenantKey({ apiUrl: stack.api, adminKey: stack.adminKey }, { scopes, site }));
});
afterAll(async () => {
  await stack?.stop();
  rmSync(home, { recursive: true, force: true });
});

const consent = (path: string) => call(stack.api, "GET", path, { key });

/** The consent's answer once its digest is anchored. */
const untilAnchored = (path: string) =>
  until(
    async () => {
      const { body } = await consent(path);
      const answer = body?.data ?? body;
      return answer?.status === "anchored" ? answer : null;
    },
    { deadlineMs: 90_000, intervalMs: 200 },
  );

/** `holdfast-verify` as a user calls it. */
function verify(content: unknown, ...more: string[]) {
  const file = join(home, "to-verify");
  writeFileSync(file, content instanceof Uint8Array ? content : JSON.stringify(content));
  const args = ["verifier/bin/holdfast-verify.js", file, "--rpc", stack.rpc, ...more];
  return new Promise<{ code: number; output: string }>((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      rmSync(file);
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
}

/** Whom the receipt names: for an honest service these are what its users know from elsewhere. */
function pinsOf({ publicKey, anchor }: AnchorReceipt): string[] {
  return ["--key", publicKey, "--publisher", anchor.publisher, "--contract", anchor.contractAddress];
}

test("HE-4, HE-7 a consent is recorded, anchored, and verified with its disclosures by nothing but an RPC URL", async () => {
  const recorded = await call(stack.api, "POST", "/tool/v1/consents", {
    key,
    body: {
      consent_type: "cookie_consent",
      decision: "custom",
      visitor_id: person,
      ip_address: "203.0.113.77",
      user_agent: values[1],
      metadata: { order: values[2], categories: { necessary: true, analytics: false } },
    },
  });
  expect(recorded.status).toBe(201);
  token = recorded.body.data.consent_token;
  anchored = await untilAnchored(`/tool/v1/consents/${token}`);
  expect(anchored.proof_hash).toBe(recorded.body.data.proof_hash);
  expect(anchored.receipt.hash).toBe(`0x${anchored.proof_hash.slice("sha256:".length)}`);
  const { code, output } = await verify({ data: anchored });
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining("VALID") });
  expect(output).toContain(`disclosed: visitor = "${person}"`);
  expect(output).toMatch(
    /^VALID: .*; issuer unknown\. That unknown issuer states that it recorded this \(consent-log\)/,
  );
});

test("protocol §7 with the issuer's key pinned, VALID says who recorded it, when, and for which domain by whose word", async () => {
  const { code, output } = await verify({ data: anchored }, "--strict", ...pinsOf(anchored.receipt));
  expect({ code, output }).toMatchObject({ code: 0 });
  const [sentence] = output.split("\n");
  expect(sentence).toContain(
    ", by the pinned issuer. The issuer states that it recorded this (consent-log) at ",
  );
  expect(sentence).toContain("to whom it has given the domain shop.example.");
});

test("protocol §7 a consent that nobody gave, anchored as a plain hash, is VALID in no wrapping, whatever is pinned", async () => {
  const { apiKey } = (await call(stack.api, "POST", "/auth/provision", { body: { name: "Mallory" } })).body;
  const fields = {
    type: "cookie_consent",
    action: "grant",
    site: "bank.example",
    issuer: "https://bank.example",
    target: "https://bank.example/policy",
    scope: "default",
    subject: "victim",
    created: "2020-01-01T00:00:00.000Z",
  };
  const disclosures = Object.entries(fields).map(([name, value]) =>
    encodeDisclosure({ salt: randomUUID(), name, value }),
  );
  const _sd = disclosures.map((disclosure) => disclosureDigest(disclosure)).sort();
  const hash = recordDigest(_sd);
  await call(stack.api, "POST", "/v1/hashes", { key: apiKey, body: { hash } });
  const receipt = await until(
    async () => {
      const answer = await call(stack.api, "GET", `/v1/receipts/${hash}`);
      return answer.status === 200 ? answer.body : null;
    },
    { deadlineMs: 90_000, intervalMs: 200 },
  );
  const event = { id: hash.slice(2), ...fields, action: true, token: "ABC123", createdAt: fields.created };
  const proof = { anchor: receipt, disclosures, _sd };
  const publicUrl = stack.api;
  const input = { event: event as never, recordedAs: "grant", publicUrl, proof } as const;
  const bare = { disclosures, _sd, receipt };
  const wrapped = [
    bare,
    { data: { consent_token: "ct_1", proof_hash: `sha256:${hash.slice(2)}`, record: fields, ...bare } },
    { consentToken: "ct_1", record: fields, ...bare },
    kantaraReceipt(input),
    dpvReceipt(input),
    // The statement of another record, whoever's.
    { ...bare, origin: anchored.origin },
  ];
  const outcomes = [];
  for (const file of wrapped) {
    const { code, output } = await verify(file, ...pinsOf(receipt));
    outcomes.push([code, output.split("\n")[0]]);
    expect(output).not.toContain("recorded this");
  }
  const missing = [2, "COULD NOT CHECK: originMissing"];
  const mismatch = [1, "INVALID: originMismatch"];
  expect(outcomes).toEqual([missing, missing, missing, missing, missing, mismatch]);
  expect((await verify(bare)).output).toContain("more than a day before its block");
});

test("OS-1, protocol §7 a proof PDF is VALID by the receipt in it, and says that its pages were not compared", async () => {
  const visitor = `visitor-${randomUUID()}`;
  const body = { visitor_id: visitor, action: "accept_all", categories: { analytics: true } };
  const recorded = (await call(stack.api, "POST", "/api/v1/consents", { key, body })).body;
  await untilAnchored(`/v1/consents/${recorded.receipt_id}`);
  const headers = { "X-API-Key": key };
  const answer = await fetch(`${stack.api}/api/v1/consent-proof/${visitor}`, { headers });
  const pdf = new Uint8Array(await answer.arrayBuffer());
  const { code, output } = await verify(pdf);
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(output).toMatch(/^VALID: .*\(consent-proof\).* The PDF's pages were not compared\.\n/);
  expect(await verify(pdf.subarray(0, pdf.length / 2))).toMatchObject({
    code: 2,
    output: expect.stringMatching(/^COULD NOT CHECK: unreadable\n/),
  });
});

test("protocol §7 a chosen part of it is verified, and shows no more than that", async () => {
  const { receipt, disclosures, _sd, origin } = anchored;
  const chosen = { receipt, disclosures: disclosures.slice(0, 2), _sd, origin };
  const { code, output } = await verify(chosen, "--json");
  expect(code).toBe(0);
  expect(JSON.parse(output).disclosed.map(({ name }: { name: string }) => name)).toEqual(["type", "action"]);
  expect(output).not.toContain(person);
});

test.runIf(hasPython)(
  "protocol §7 another implementation recomputes the digest from the API's answer",
  async () => {
    const expected = anchored.proof_hash.slice("sha256:".length);
    expect(recomputeInPython({ data: anchored })).toEqual([expected]);
    const { body } = await consent(`/v1/consents/${token}`);
    expect(recomputeInPython(body)).toEqual([expected]);
  },
);

test("SG-9, SG-10, protocol §7 consent receipts of three formats and the whole history verify once they are anchored", async () => {
  const subject = {
    subject: "foo@bar.example",
    issuer: "https://foo.example",
    target: "https://foo.example/policy",
  };
  const events = (
    await call(stack.api, "POST", "/consent/v0/consents", {
      key,
      body: [true, false, true].map((action) => ({
        ...subject,
        action,
        source: "https://foo.example/login",
      })),
    })
  ).body;
  const history = `/consent/v0/consents/history?${new URLSearchParams(subject)}`;
  const bundle = await until(
    async () => {
      const { body } = await consent(history);
      return body.records.every(({ receipt }: { receipt: unknown }) => receipt !== null) ? body : null;
    },
    { deadlineMs: 90_000, intervalMs: 200 },
  );

  const receiptOf = async (format: string) =>
    (await consent(`/consent/v0/consents/${events[1].id}/receipt?format=${format}`)).body;
  const jwt = await receiptOf("jwt");
  const publicKey = new URL(
    JSON.parse(Buffer.from(jwt.receipt.split(".")[1], "base64url").toString()).publicKey,
  );
  const pem = join(home, "receipts.pem");
  writeFileSync(pem, await (await fetch(stack.api + publicKey.pathname)).text());
  expect(await verify(jwt, "--jwt-key", pem)).toMatchObject({ code: 0 });
  for (const format of ["kantara", "dpv"]) {
    const { code, output } = await verify(await receiptOf(format));
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('"withdraw"') });
  }

  expect(bundle.records).toHaveLength(3);
  const jwks = join(home, "jwks.json");
  writeFileSync(jwks, await (await fetch(`${stack.api}/.well-known/jwks.json`)).text());
  for (const keyFile of [pem, jwks])
    expect(await verify(bundle, "--jwt-key", keyFile)).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^VALID: a history of 3, of which none is missing; issuer unknown\./),
    });
  const withoutTheLast = { ...bundle, records: bundle.records.slice(0, 2) };
  expect(await verify(withoutTheLast)).toMatchObject({
    code: 1,
    output: expect.stringContaining("statementMismatch"),
  });
  const withoutTheWithdrawal = { records: [bundle.records[0], bundle.records[2]] };
  expect(await verify(withoutTheWithdrawal)).toMatchObject({
    code: 1,
    output: expect.stringContaining("linkBroken"),
  });
});

test("protocol §7 after an erasure no row and no disclosure holds anything of the person, nor any file of the home in plain text, and what is left verifies", async () => {
  for (const value of values) expect(await rowsHolding(stack.database, value)).not.toEqual([]);
  const erased = await call(stack.api, "POST", "/v1/consents/erasures", { key, body: { person } });
  expect(erased).toMatchObject({ status: 201, body: { erased: 1 } });
  for (const value of values) expect(await rowsHolding(stack.database, value)).toEqual([]);
  expect(filesHolding(home, values)).toEqual([]);

  const { body } = await consent(`/tool/v1/consents/${token}`);
  expect(body.data).toMatchObject({ status: "anchored", proof_hash: anchored.proof_hash, _sd: anchored._sd });
  const left = await verify(body);
  expect({ ...left }).toMatchObject({ code: 0, output: expect.stringContaining("VALID") });
  expect(left.output).toContain('disclosed: action = "grant"');
  expect(left.output).not.toContain("visitor");
  if (hasPython) expect(recomputeInPython(body)).toEqual([anchored.proof_hash.slice("sha256:".length)]);

  const own = await untilAnchored(`/v1/consents/${erased.body.consentToken}`);
  expect(own.record.type).toBe("erasure");
  expect(await verify(own)).toMatchObject({ code: 0 });
});

/** Files anywhere under a folder that hold one of the values, PostgreSQL's own included. */
function filesHolding(folder: string, texts: string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => {
      const bytes = readFileSync(file);
      return texts.some((text) => bytes.includes(text));
    });
}
