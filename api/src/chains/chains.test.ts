import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  rowsHolding,
  startTestApi,
  TEST_SECRET,
  type TestApi,
  UNREACHABLE_CHAIN_ID,
} from "#test/support/api.ts";
import { startAnvilChain, type TestChain } from "#test/support/chains.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { deployRegistry, type TestRegistry } from "#test/support/registry.ts";
import { type RpcProxy, startRpcProxy } from "#test/support/rpcProxy.ts";
import { openPublisherKey } from "../chain/publisherKey.ts";
import { registerChain, WrongChainError } from "../chain/registerChain.ts";
import { createSecretBox } from "../secrets/secretBox.ts";

const CHAIN_ID = 424_242;
const OTHER_CHAIN_ID = 424_243;
/** Stands in the URL's user, path and query, as providers have their keys. */
const CREDENTIAL = "provider-credential";

let api: TestApi;
let second: string;
let chain: TestChain;
let registry: TestRegistry;
let rpc: RpcProxy;
let other: TestChain;
let privateKey: `0x${string}`;
let rpcUrl: string;

beforeAll(async () => {
  [api, chain, other] = await Promise.all([
    startTestApi({ LOG_LEVEL: "trace", RPC_TIMEOUT_MS: "1000" }),
    startAnvilChain({ chainId: CHAIN_ID }),
    startAnvilChain({ chainId: OTHER_CHAIN_ID }),
  ]);
  second = (await api.startApi()).url;
  registry = await deployRegistry(chain);
  await deployRegistry(other);
  rpc = await startRpcProxy({ target: chain.rpcUrl });
  privateKey = chain.accounts[5]!.privateKey;
  rpcUrl = rpc.url
    .replace("://", `://${CREDENTIAL}:${CREDENTIAL}@`)
    .concat(`/${CREDENTIAL}?key=${CREDENTIAL}`);
});
afterAll(async () => {
  await api.stop();
  await Promise.all([chain.stop(), other.stop(), rpc.stop()]);
});
afterEach(async () => {
  rpc.clearRules();
  await api.db.pool.query("DELETE FROM app.chains WHERE chain_id <> $1", [UNREACHABLE_CHAIN_ID]);
  await api.db.pool.query("UPDATE app.chains SET is_default = true");
});

const body = (more: object = {}) => ({
  name: "Second",
  chainId: CHAIN_ID,
  rpcUrl,
  contractAddress: registry.address,
  privateKey,
  ...more,
});
const add = (more: object = {}, origin = api.apiUrl) =>
  call(origin, "POST", "/admin/chains", { key: api.adminKey, body: body(more) });
const known = async (): Promise<{ chainId: number; isDefault: boolean }[]> =>
  (await call(api.apiUrl, "GET", "/admin/chains", { key: api.adminKey })).body.data;
const isKnown = async () => (await known()).some(({ chainId }) => chainId === CHAIN_ID);

describe("HA-17 adding a chain", () => {
  test("answers what was added, lists it for the operator, and for everybody its id and name", async () => {
    const { status, body: created } = await add({
      contractAddress: registry.address.toUpperCase().replace("0X", "0x"),
    });
    expect(status).toBe(201);
    expect(created).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: "Second",
      chainId: CHAIN_ID,
      rpcUrl: rpc.url,
      contractAddress: registry.address.toLowerCase(),
      publisher: chain.accounts[5]!.address.toLowerCase(),
      confirmations: 5,
      isDefault: false,
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(await known()).toContainEqual(created);
    const { body: listed } = await call(second, "GET", "/v1/chains");
    expect(listed.data).toContainEqual({ id: created.id, name: "Second", chainId: CHAIN_ID });
    expect(Object.keys(listed.data[0])).toEqual(["id", "name", "chainId"]);
  });

  test("seals the private key, and neither it nor the RPC URL's credentials are in an answer or a log", async () => {
    const { body: created } = await add();
    rpc.addRule({ method: "*", times: 100, fault: { kind: "httpStatus", status: 401 } });
    const refused = await add({ chainId: OTHER_CHAIN_ID });
    expect(refused.body.error).toContain("HTTP 401");
    const { rows } = await api.db.pool.query("SELECT private_key FROM app.chains WHERE chain_id = $1", [
      CHAIN_ID,
    ]);
    const box = createSecretBox([TEST_SECRET]);
    expect(openPublisherKey(box, CHAIN_ID, rows[0].private_key)).toBe(privateKey);
    expect(await rowsHolding(api.databaseUrl, privateKey.slice(2))).toEqual([]);
    const told = [created, refused.body, await known(), (await call(api.apiUrl, "GET", "/v1/chains")).body];
    await call(api.apiUrl, "GET", "/ready");
    await call(api.apiUrl, "GET", "/metrics");
    await api.api.stop();
    const said = JSON.stringify(told) + api.api.output();
    expect(said).toContain("/admin/chains");
    for (const secret of [privateKey.slice(2), CREDENTIAL]) expect(said.toLowerCase()).not.toContain(secret);
    api.apiUrl = (await api.startApi({ LOG_LEVEL: "info" })).url;
  });

  test("is in the audit log", async () => {
    const { body: created, headers } = await add();
    const { rows } = await api.db.pool.query("SELECT * FROM app.audit_logs WHERE request_id = $1", [
      headers.get("X-Request-Id"),
    ]);
    expect(rows).toMatchObject([
      { action: "chain.create", resource_type: "chain", resource_id: created.id, status_code: 201 },
    ]);
  });

  test("finds where an index of it begins: at the contract, or where that is not known, before the publisher's first anchor", async () => {
    const startBlock = async () => {
      expect((await add()).status).toBe(201);
      const { rows } = await api.db.pool.query("SELECT * FROM app.indexed_chains WHERE chain_id = $1", [
        CHAIN_ID,
      ]);
      await api.db.pool.query("DELETE FROM app.chains WHERE chain_id = $1", [CHAIN_ID]);
      expect(Object.keys(rows[0])).toEqual(["chain_id", "rpc_url", "contract_address", "start_block"]);
      return rows[0].start_block;
    };
    await registry.mine(3);
    expect(await startBlock()).toBe(registry.startBlock);
    const forgetful = () =>
      rpc.addRule({
        method: "eth_getCode",
        nth: 2,
        times: 100,
        fault: { kind: "error", code: -32_000, message: "missing trie node" },
      });
    forgetful();
    expect(await startBlock()).toBe(0);
    rpc.clearRules();
    await registry.anchor({ account: 5 });
    forgetful();
    expect(await startBlock()).toBeNull();
  });
});

describe("HA-17 a chain is refused", () => {
  test("whose RPC serves another one", async () => {
    expect(await add({ rpcUrl: other.rpcUrl })).toMatchObject({
      status: 400,
      body: { error: `rpcUrl serves chain ${OTHER_CHAIN_ID}, and chainId is ${CHAIN_ID}`, member: "chainId" },
    });
    expect(await isKnown()).toBe(false);
  });

  test("without code at the address", async () => {
    expect(await add({ contractAddress: `0x${"12".repeat(20)}` })).toMatchObject({
      status: 400,
      body: {
        error: `There is no contract at contractAddress on chain ${CHAIN_ID}; deploy it first`,
        member: "contractAddress",
      },
    });
    expect(await isKnown()).toBe(false);
  });

  test("with another contract at the address", async () => {
    await registry.testClient.setCode({ address: `0x${"34".repeat(20)}`, bytecode: "0x60006000fd" });
    await registry.testClient.setCode({ address: `0x${"56".repeat(20)}`, bytecode: "0x00" });
    for (const contractAddress of [`0x${"34".repeat(20)}`, `0x${"56".repeat(20)}`])
      expect(await add({ contractAddress })).toMatchObject({
        status: 400,
        body: {
          error: `The contract at contractAddress on chain ${CHAIN_ID} is no AnchorRegistry`,
          member: "contractAddress",
        },
      });
    expect(await isKnown()).toBe(false);
  });

  test("whose blocks have no base fee, so that it takes no transaction of ours", async () => {
    const old = await startAnvilChain({ chainId: CHAIN_ID, hardfork: "berlin" });
    expect(await add({ rpcUrl: old.rpcUrl })).toMatchObject({
      status: 400,
      body: {
        error: `Chain ${CHAIN_ID} has no base fee (EIP-1559), so that it takes none of our transactions`,
        member: "chainId",
      },
    });
    await old.stop();
  });

  test("whose RPC does not answer, or not as a chain does", async () => {
    const silent: Server = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const unanswered = {
      status: 400,
      body: { error: "rpcUrl does not answer as the RPC of a chain", member: "rpcUrl" },
    };
    expect(await add({ rpcUrl: "http://127.0.0.1:9" })).toMatchObject(unanswered);
    expect(await add({ rpcUrl: `http://127.0.0.1:${port}` })).toMatchObject(unanswered);
    rpc.addRule({ method: "eth_chainId", fault: { kind: "garbage" } });
    expect(await add()).toMatchObject(unanswered);
    rpc.addRule({ method: "eth_getCode", fault: { kind: "drop", forward: false } });
    expect(await add()).toMatchObject(unanswered);
    rpc.addRule({ method: "eth_call", fault: { kind: "drop", forward: false } });
    expect(await add()).toMatchObject(unanswered);
    rpc.addRule({ method: "eth_chainId", fault: { kind: "httpStatus", status: 429 } });
    expect((await add()).body.error).toBe("rpcUrl does not answer as the RPC of a chain: HTTP 429");
    silent.closeAllConnections();
    silent.close();
    expect(await isKnown()).toBe(false);
  });

  test("that is there already, also when two APIs are asked at once: one is told that it was added", async () => {
    const calls = Array.from({ length: 8 }, (_, i) => add({}, i % 2 ? second : api.apiUrl));
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
    for (const { body: said } of answers.filter(({ status }) => status === 409))
      expect(said).toEqual({ error: `Chain ${CHAIN_ID} already exists` });
    expect((await known()).filter(({ chainId }) => chainId === CHAIN_ID)).toHaveLength(1);
    expect((await add({ chainId: UNREACHABLE_CHAIN_ID, isDefault: true })).status).toBe(409);
  });

  test("by an API without a secret to seal its key with, which says what to set", async () => {
    const { url } = await api.startApi({ CHAIN_KEY_ENCRYPTION_SECRET: "" });
    const answer = await add({}, url);
    expect(answer.status).toBe(503);
    expect(answer.body.error).toContain("CHAIN_KEY_ENCRYPTION_SECRET, which is not set");
    expect(await isKnown()).toBe(false);
  });

  test.each([
    ["name", { name: "" }],
    ["name", { name: "x".repeat(101) }],
    ["name", { name: "a\0b" }],
    ["chainId", { chainId: 0 }],
    ["chainId", { chainId: 1.5 }],
    ["chainId", { chainId: "137" }],
    ["rpcUrl", { rpcUrl: "ws://127.0.0.1:8545" }],
    ["rpcUrl", { rpcUrl: "file:///etc/passwd" }],
    ["rpcUrl", { rpcUrl: `http://127.0.0.1/${"x".repeat(2_048)}` }],
    ["rpcUrl", { rpcUrl: 7 }],
    ["rpcUrl", { rpcUrl: "http://127.0.0.1/a\0b" }],
    ["contractAddress", { contractAddress: "0x12" }],
    ["privateKey", { privateKey: `0x${"00".repeat(32)}` }],
    ["privateKey", { privateKey: `0x${"ff".repeat(32)}` }],
    ["privateKey", { privateKey: "secret" }],
    ["privateKey", { privateKey: undefined }],
    ["confirmations", { confirmations: 0 }],
    ["confirmations", { confirmations: 10_001 }],
    ["isDefault", { isDefault: "yes" }],
  ])("with a bad %s: %j", async (member, more) => {
    const answer = await add(more);
    expect(answer).toMatchObject({ status: 400, body: { member } });
    expect(answer.body.error).toContain(`Invalid request body, ${member}: `);
  });
});

describe("HA-17 the default chain", () => {
  const defaults = async () =>
    (await known()).filter(({ isDefault }) => isDefault).map(({ chainId }) => chainId);

  test("stays, unless the new one is to be it", async () => {
    await add();
    expect(await defaults()).toEqual([UNREACHABLE_CHAIN_ID]);
    await add({ chainId: OTHER_CHAIN_ID, rpcUrl: other.rpcUrl, isDefault: true });
    expect(await defaults()).toEqual([OTHER_CHAIN_ID]);
  });

  test("is one alone, also when two are added as default at once", async () => {
    const [one, two] = await Promise.all([
      add({ isDefault: true }),
      add({ isDefault: true, chainId: OTHER_CHAIN_ID, rpcUrl: other.rpcUrl }, second),
    ]);
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(await defaults()).toHaveLength(1);
  });

  test("is the first one there is", async () => {
    await api.db.pool.query("UPDATE app.chains SET is_default = false");
    expect((await add()).body.isDefault).toBe(true);
  });

  const settings = {
    chainId: UNREACHABLE_CHAIN_ID,
    name: "test",
    rpcUrl: "http://127.0.0.1:9",
    contractAddress: `0x${"c0".repeat(20)}`,
    publisher: `0x${"b0".repeat(20)}`,
    confirmations: 1,
  } as const;

  test("that was set over HTTP outlives the restart of a worker with a chain in its settings", async () => {
    await add({ isDefault: true });
    await registerChain(api.db, settings);
    expect(await defaults()).toEqual([CHAIN_ID]);
    await registerChain(api.db, { ...settings, chainId: OTHER_CHAIN_ID });
    expect(await defaults()).toEqual([CHAIN_ID]);
  });

  test("a chain with two keys is none: a worker whose settings name an added chain does not start", async () => {
    await add();
    await expect(
      registerChain(api.db, {
        ...settings,
        chainId: CHAIN_ID,
        contractAddress: registry.address.toLowerCase() as `0x${string}`,
      }),
    ).rejects.toThrow(WrongChainError);
  });
});

describe("HA-17 a submission", () => {
  test("goes to the chain that it names, at once and in every process, else to the default one", async () => {
    const { key } = await createTenantKey(api);
    const submit = (path: string, sent: object, origin = second) =>
      call(origin, "POST", path, { key, body: sent });
    const [unnamed, named, batched] = [randomHash(), randomHash(), randomHash()];
    expect((await submit("/v1/hashes", { hash: unnamed })).status).toBe(202);
    await add();
    expect((await submit("/v1/hashes", { hash: named, chainId: CHAIN_ID })).status).toBe(202);
    expect(
      (await submit("/v1/hashes/batch", { hashes: [{ hash: batched }], chainId: CHAIN_ID })).status,
    ).toBe(202);
    const content = { content: randomHash(), format: "text", chainId: CHAIN_ID };
    const hashed = await submit("/v1/hashes/anchor", content);
    expect(hashed.status).toBe(202);
    const chainOf = async (hash: string) =>
      (await call(second, "GET", `/v1/hashes/${hash}`, { key })).body.chainId;
    expect(await Promise.all([unnamed, named, batched, hashed.body.hash].map(chainOf))).toEqual([
      UNREACHABLE_CHAIN_ID,
      CHAIN_ID,
      CHAIN_ID,
      CHAIN_ID,
    ]);
    const statuses = await submit("/v1/hashes/status", { hashes: [unnamed, named] });
    expect(statuses.body.results).toMatchObject([{ status: "pending" }, { status: "pending" }]);
  });

  test("that names a chain nobody knows is a 400, and nothing of it is stored", async () => {
    const { key } = await createTenantKey(api);
    const hash = randomHash();
    const unknown = { status: 400, body: { error: "Unknown chainId 5", member: "chainId" } };
    expect(await call(api.apiUrl, "POST", "/v1/hashes", { key, body: { hash, chainId: 5 } })).toMatchObject(
      unknown,
    );
    const batch = { hashes: [{ hash }], chainId: 5 };
    expect(await call(api.apiUrl, "POST", "/v1/hashes/batch", { key, body: batch })).toMatchObject(unknown);
    expect((await call(api.apiUrl, "GET", `/v1/hashes/${hash}`, { key })).status).toBe(404);
  });

  test("of a hash that the tenant has submitted is a duplicate, whatever chain it names", async () => {
    await add();
    const { key } = await createTenantKey(api);
    const hash = randomHash();
    const first = await call(api.apiUrl, "POST", "/v1/hashes", { key, body: { hash } });
    const repeat = await call(api.apiUrl, "POST", "/v1/hashes", { key, body: { hash, chainId: CHAIN_ID } });
    expect(repeat).toMatchObject({ status: 200, body: { status: "duplicate", id: first.body.id } });
    const own = await call(api.apiUrl, "GET", `/v1/hashes/${hash}`, { key });
    expect(own.body.chainId).toBe(UNREACHABLE_CHAIN_ID);
  });
});
