import { createPublicKey, generateKeyPairSync, verify as verifySignature } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jsonld from "jsonld";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { keyIdOf } from "#protocol/receiptSignature.ts";
import { call, createTenantKey, randomHash } from "#test/support/client.ts";
import { startStack, type TestStack } from "#test/support/stack.ts";
import { until } from "#test/support/until.ts";
import { verifyReceipt } from "#verifier/verifyReceipt.ts";

/** With a port and a path, as behind a proxy. */
const PUBLIC_URL = "https://anchor.example:8443/holdfast";

let stack: TestStack;
let key: string;
let files: string;

beforeAll(async () => {
  stack = await startStack({ settings: { PUBLIC_URL } });
  ({ key } = await createTenantKey(stack));
  files = mkdtempSync(join(tmpdir(), "holdfast-keys-"));
});
afterAll(async () => {
  await stack.stop();
  rmSync(files, { recursive: true, force: true });
});

const get = (path: string, as = key) => call(stack.apiUrl, "GET", path, { key: as });
const submitTogether = (hashes: string[], as = key) =>
  call(stack.apiUrl, "POST", "/v1/hashes/batch", {
    key: as,
    body: { hashes: hashes.map((hash) => ({ hash })) },
  });

/** Own receipts of hashes that were submitted in one call, so that they are a batch of their own. */
async function anchorAlone(hashes: string[], as = key): Promise<AnchorReceipt[]> {
  expect(await submitTogether(hashes, as)).toMatchObject({ status: 202, body: { accepted: hashes.length } });
  return Promise.all(
    hashes.map(async (hash) => {
      const own = async () => (await get(`/v1/hashes/${hash}`, as)).body;
      return until(async () => (await own()).receipt as AnchorReceipt | null, { deadlineMs: 30_000 }).then(
        (receipt) => receipt!,
      );
    }),
  );
}

/** What an independent verifier says, who knows publisher, contract and, when given, the key. */
async function verdictOf(receipt: AnchorReceipt, pinnedKey?: string) {
  const { verdict, reasons } = await verifyReceipt({
    receipt,
    rpc: stack.rpcUrl,
    pins: { publisher: stack.publisher, contract: stack.contract, ...(pinnedKey && { key: pinnedKey }) },
  });
  return { verdict, reasons };
}
const VALID = { verdict: "valid", reasons: [] };

describe("HA-9 a receipt", () => {
  test.each([1, 2, 3, 7, 100])("of each of %i leaves verifies without us", async (leafCount) => {
    const hashes = Array.from({ length: leafCount }, randomHash);
    const receipts = await anchorAlone(hashes);
    const { body: current } = await get("/v1/public-key");
    for (const [leafIndex, receipt] of receipts.entries()) {
      expect(receipt.hash).toBe(hashes[leafIndex]);
      expect(receipt.anchor).toMatchObject({ leafIndex, leafCount });
      expect(receipt).toEqual((await get(`/v1/receipts/${hashes[leafIndex]}`)).body);
    }
    const some = receipts.filter((_, index) => index % 13 === 0);
    for (const receipt of some) expect(await verdictOf(receipt, current.publicKey)).toEqual(VALID);
  });

  test("protocol §8: that a JSON store has rearranged is still genuine, and said to be rearranged", async () => {
    const [receipt] = await anchorAlone([randomHash(), randomHash(), randomHash()]);
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    const { rows } = await client.query("SELECT $1::jsonb AS stored", [JSON.stringify(receipt)]);
    await client.end();
    const { stored } = rows[0];
    expect(Object.keys(stored.anchor)).not.toEqual(Object.keys(receipt!.anchor));
    const pins = { key: receipt!.publicKey };
    const verification = await verifyReceipt({ receipt: stored, rpc: stack.rpcUrl, pins });
    expect(verification).toMatchObject({ verdict: "valid", warnings: ["rearranged"] });
    const changed = { ...stored, anchor: { ...stored.anchor, blockTimestamp: 1 } };
    expect(await verifyReceipt({ receipt: changed, rpc: stack.rpcUrl, pins })).toMatchObject({
      verdict: "invalid",
      reasons: expect.arrayContaining(["badSignature"]),
    });
  });

  test("protocol §6: has its members in the order that is signed, over bytes that anyone can write", async () => {
    const [hash] = [randomHash()];
    await anchorAlone([hash, randomHash()]);
    const response = await fetch(`${stack.apiUrl}/v1/receipts/${hash}`);
    const text = await response.text();
    const receipt = JSON.parse(text);
    expect(Object.keys(receipt)).toEqual([
      "@context",
      "hash",
      "merkleRoot",
      "proof",
      "anchor",
      "signature",
      "publicKey",
      "kid",
    ]);
    expect(Object.keys(receipt.anchor)).toEqual([
      "chainId",
      "contractAddress",
      "txHash",
      "blockNumber",
      "blockTimestamp",
      "publisher",
      "blockHash",
      "logIndex",
      "leafCount",
      "leafIndex",
    ]);
    expect(receipt["@context"]).toBe(`${PUBLIC_URL}/receipt/v1`);
    const signed = text.slice(text.indexOf('"hash":'), text.indexOf(',"signature":'));
    const { body: keys } = await get("/v1/public-key");
    expect(
      verifySignature(null, Buffer.from(`{${signed}}`), keys.pem, Buffer.from(receipt.signature, "base64")),
    ).toBe(true);
  });

  test("protocol §6: names a context that this API serves, by which a JSON-LD processor keeps every member and the order of the path", async () => {
    const served = await call(stack.apiUrl, "GET", "/receipt/v1");
    expect(served.status).toBe(200);
    expect(served.headers.get("Content-Type")).toMatch(/^application\/ld\+json/);
    const documentLoader = async (url: string) => {
      if (url !== `${PUBLIC_URL}/receipt/v1`) throw new Error(`${url} is loaded`);
      return { documentUrl: url, document: served.body };
    };
    const options = { documentLoader, safe: true } as object;
    const iri = (name: string) => `${PUBLIC_URL}/receipt/v1#${name}`;
    for (const receipt of await anchorAlone(Array.from({ length: 5 }, randomHash))) {
      const expanded = await jsonld.expand(receipt as object, options);
      const [{ [iri("proof")]: path, [iri("anchor")]: anchor }] = expanded as [Record<string, unknown[]>];
      const steps = receipt.proof.map(({ data }) => ({ [iri("data")]: [{ "@value": data }] }));
      expect(path).toMatchObject([{ "@list": steps }]);
      expect(Object.keys(anchor![0] as object).sort()).toEqual(Object.keys(receipt.anchor).map(iri).sort());
      const context = receipt["@context"] as never;
      expect(await jsonld.compact(expanded, context, options)).toEqual(receipt);
    }
  });

  test("that somebody changed is not valid", async () => {
    const [receipt] = await anchorAlone([randomHash(), randomHash()]);
    const forged = { ...receipt!, anchor: { ...receipt!.anchor, blockTimestamp: 1 } };
    expect((await verdictOf(forged)).reasons).toContain("badSignature");
    const other = { ...receipt!, hash: randomHash() };
    expect((await verdictOf(other)).reasons).toEqual(
      expect.arrayContaining(["badSignature", "rootMismatch"]),
    );
  });
});

describe("HA-9 keys", () => {
  test("the current one is shown as base64, hex, PEM and JWK, all the same key", async () => {
    const { body } = await get("/v1/public-key");
    const bytes = Buffer.from(body.publicKey, "base64");
    expect(bytes).toHaveLength(32);
    expect(body).toMatchObject({
      algorithm: "Ed25519",
      hex: bytes.toString("hex"),
      kid: keyIdOf(new Uint8Array(bytes)),
    });
    const fromPem = createPublicKey(body.pem);
    expect(fromPem.asymmetricKeyType).toBe("ed25519");
    expect(fromPem.export({ format: "jwk" }).x).toBe(bytes.toString("base64url"));
    const jwks = await get("/.well-known/jwks.json");
    expect(jwks.body.keys).toContainEqual(
      expect.objectContaining({
        kty: "OKP",
        crv: "Ed25519",
        alg: "EdDSA",
        use: "sig",
        kid: body.kid,
        x: bytes.toString("base64url"),
      }),
    );
    expect(JSON.stringify([body, jwks.body])).not.toMatch(/PRIVATE|"d":/);
  });

  test("after a rotation old receipts still verify against the listed keys, and new ones have the new key", async () => {
    const hash = randomHash();
    const [old] = await anchorAlone([hash]);
    await Promise.all(stack.workers.map((worker) => worker.stop()));
    const file = join(files, "next.pem");
    const next = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
    writeFileSync(file, next, { mode: 0o600 });
    await stack.startWorker({ RECEIPT_SIGNING_KEY_FILE: file });
    const [fresh] = await anchorAlone([randomHash()]);

    expect(fresh!.kid).not.toBe(old!.kid);
    expect((await get(`/v1/receipts/${hash}`)).body).toEqual(old);
    const { body } = await get("/v1/public-key");
    expect(body.kid).toBe(fresh!.kid);
    expect(body.keys.map(({ kid }: { kid: string }) => kid)).toEqual([fresh!.kid, old!.kid]);
    const [current, retired] = body.keys;
    expect(current.validUntil).toBeNull();
    expect(Date.parse(retired.validUntil)).toBeGreaterThanOrEqual(Date.parse(retired.validFrom));
    expect(Date.parse(retired.validUntil) / 1_000).toBeGreaterThanOrEqual(old!.anchor.blockTimestamp - 60);
    expect(await verdictOf(old!, retired.publicKey)).toEqual(VALID);
    expect(await verdictOf(fresh!, current.publicKey)).toEqual(VALID);
    expect((await verdictOf(old!, current.publicKey)).reasons).toEqual(["keyNotAsPinned"]);
    const jwks = (await get("/.well-known/jwks.json")).body.keys;
    expect(jwks.map(({ kid }: { kid: string }) => kid)).toEqual([fresh!.kid, old!.kid]);
    expect(readFileSync(file, "utf8")).toBe(next);
  });
});

describe("protocol §2 roots that the contract would refuse", () => {
  test("a zero hash alone is anchored beside a filler", async () => {
    const [receipt] = await anchorAlone([`0x${"0".repeat(64)}`]);
    expect(receipt!.anchor).toMatchObject({ leafIndex: 0, leafCount: 2 });
    expect(await verdictOf(receipt!)).toEqual(VALID);
  });

  test("another batch's root alone, and its two children alone, are anchored, and hers stays valid", async () => {
    const victims = await anchorAlone(Array.from({ length: 4 }, randomHash));
    const attacker = await createTenantKey(stack);
    // The sibling of a leaf's pair is one child of the root; the other one leads to it with that sibling's leaves.
    const children = [victims[0]!.proof[1]!.data, victims[2]!.proof[1]!.data];
    const [root] = await anchorAlone([victims[0]!.merkleRoot], attacker.key);
    expect(root!.anchor.leafCount).toBe(2);
    expect(root!.merkleRoot).not.toBe(victims[0]!.merkleRoot);
    const pair = await anchorAlone(children, attacker.key);
    // One filler would give the root of the batch before, which has the same filler beside the same node: it takes two.
    expect(pair[0]!.anchor.leafCount).toBe(4);
    for (const receipt of [root!, ...pair, ...victims]) expect(await verdictOf(receipt)).toEqual(VALID);
  });

  test("the same hash alone, by another tenant and later, gets a valid receipt of the same anchor", async () => {
    const hash = randomHash();
    const [first] = await anchorAlone([hash]);
    const other = await createTenantKey(stack);
    const [second] = await anchorAlone([hash], other.key);
    expect(second).toEqual(first);
    expect(await verdictOf(second!)).toEqual(VALID);
    const batches = await Promise.all(
      [key, other.key].map(async (as) => (await get(`/v1/hashes/${hash}`, as)).body.batch),
    );
    expect(batches[0].id).not.toBe(batches[1].id);
    expect(batches[0].merkleRoot).toBe(batches[1].merkleRoot);
  });
});
