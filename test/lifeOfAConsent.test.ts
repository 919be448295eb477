import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
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
  ({ key } = await createTenantKey({ apiUrl: stack.api, adminKey: stack.adminKey }, { scopes }));
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
  const file = join(home, "to-verify.json");
  writeFileSync(file, JSON.stringify(content));
  const args = ["verifier/bin/holdfast-verify.js", file, "--rpc", stack.rpc, ...more];
  return new Promise<{ code: number; output: string }>((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      rmSync(file);
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
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
});

test("protocol §7 a chosen part of it is verified, and shows no more than that", async () => {
  const { receipt, disclosures, _sd } = anchored;
  const { code, output } = await verify({ receipt, disclosures: disclosures.slice(0, 2), _sd }, "--json");
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
      output: expect.stringMatching(/^VALID: a history of 3, of which none is missing\./),
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
