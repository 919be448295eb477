import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { type DocumentedAnswers, holdAgainst } from "#test/support/documentedAnswers.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";

let stack: TestStack;
let answers: DocumentedAnswers;
let key: string;
const hash = randomHash();

beforeAll(async () => {
  stack = await startStack({
    settings: { CHAIN_KEY_ENCRYPTION_SECRET: "a secret of the tests and of nobody else" },
  });
  answers = holdAgainst((await call(stack.apiUrl, "GET", "/openapi.json")).body);
  ({ key } = await createTenantKey(stack));
  await call(stack.apiUrl, "POST", "/v1/hashes", { key, body: { hash, externalId: "invoice-7" } });
  await until(async () => (await call(stack.apiUrl, "GET", `/v1/receipts/${hash}`)).status === 200, {
    deadlineMs: 60_000,
  });
});
afterAll(() => stack.stop());

async function checked(operationId: string, path: string, headers: Record<string, string> = {}) {
  const answer = await call(stack.apiUrl, "GET", path, { headers });
  expect(answer.status, operationId).toBe(200);
  expect(answers.problemOf(operationId, answer)).toBeNull();
  return answer.body;
}

describe("HA-21 what is answered of an anchored hash is as documented", () => {
  test("to its tenant: the hash, the list of batches, the batch", async () => {
    const own = { "X-API-Key": key };
    const one = await checked("getV1HashesByHash", `/v1/hashes/${hash}`, own);
    expect(one).toMatchObject({ status: "anchored", receipt: { hash } });
    const listed = await checked("getV1Batches", "/v1/batches", own);
    expect(listed.data).toHaveLength(1);
    const batch = await checked("getV1BatchesById", `/v1/batches/${listed.data[0].id}`, own);
    expect(batch).toMatchObject({ status: "anchored", hashes: [{ hash, externalId: "invoice-7" }] });
    expect(batch.gasUsed).toMatch(/^\d+$/);
  });

  test("to anybody: verification, with the contract asked too, the receipt, the keys that sign", async () => {
    const verified = { verified: true, status: "anchored" };
    expect(await checked("getV1VerifyByHash", `/v1/verify/${hash}`)).toMatchObject(verified);
    expect(await checked("getV1VerifyByHash", `/v1/verify/${hash}?check=rpc`)).toMatchObject(verified);
    const receipt = await checked("getV1ReceiptsByHash", `/v1/receipts/${hash}`);
    const keys = await checked("getV1PublicKey", "/v1/public-key");
    expect(receipt.kid).toBe(keys.kid);
    expect((await checked("getWellKnownJwksJson", "/.well-known/jwks.json")).keys[0].kid).toBe(keys.kid);
    await checked("getReceiptV1", "/receipt/v1");
  });

  test("to an account, of itself", async () => {
    const person = { name: "Acme", email: "dev@acme.example", password: "correct horse battery" };
    const registered = await call(stack.apiUrl, "POST", "/auth/register", { body: person });
    expect(answers.problemOf("postAuthRegister", registered)).toBeNull();
    const token = { Authorization: `Bearer ${registered.body.token}` };
    expect(await checked("getAuthMe", "/auth/me", token)).toMatchObject({ email: person.email });
    await checked("getV1Quota", "/v1/quota", token);
  });

  test("to the operator: tenants, keys, the audit log; to a supervisor: ready", async () => {
    const operator = { "X-API-Key": stack.adminKey };
    const { data } = await checked("getAdminTenants", "/admin/tenants", operator);
    await checked("getAdminApiKeys", `/admin/api-keys?tenantId=${data[0].id}`, operator);
    await checked("getAdminAuditLogs", "/admin/audit-logs", operator);
    await checked("getReady", "/ready");
  });
});
