import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OriginStatement } from "#protocol/consentOrigin.ts";
import type { Json } from "#protocol/consentRecord.ts";
import { createSigner, signReceipt } from "#test/support/issuedReceipts.ts";
import { createOriginIssuer, type OriginIssuerOptions } from "#test/support/origins.ts";
import { type ClaimedOrigin, checkOrigin } from "./checkOrigin.ts";

const DIGEST = "5e".repeat(32);
const OTHER = "a1".repeat(32);
const created = "2026-11-22T05:00:12.345Z";
const recordedS = Math.floor(Date.parse(created) / 1_000);
const blockTimestamp = recordedS + 20;
const hex = (digits: string, bytes: number) => `0x${digits.repeat(bytes)}` as const;

const signer = createSigner();
const receipt = signReceipt(
  {
    "@context": "https://holdfast.example/receipt/v1",
    hash: `0x${DIGEST}`,
    merkleRoot: `0x${DIGEST}`,
    proof: [],
    anchor: {
      chainId: 1,
      contractAddress: hex("c0", 20),
      txHash: hex("7a", 32),
      blockNumber: 7,
      blockTimestamp,
      publisher: hex("b0", 20),
      blockHash: hex("b1", 32),
      logIndex: 0,
      leafCount: 1,
      leafIndex: 0,
    },
  },
  signer,
);
const fields: Record<string, Json> = { site: "shop.example", created, visitor: "visitor-1" };
const genuine: OriginStatement = {
  kind: "consent-log",
  digest: `sha256:${DIGEST}`,
  tenant: "019ac1f0-7e1c-4000-8000-4b5a6c7d8e9f",
  site: "shop.example",
  site_by: "operator",
  iat: recordedS,
};
const issuer = createOriginIssuer(signer);

const check = (statement: unknown, more: Omit<ClaimedOrigin, "statement"> = {}, disclosed = fields) =>
  checkOrigin({ statement, ...more }, receipt, new Map(Object.entries(disclosed)));

/** A statement by a service that differs from the genuine one. */
const by = (options: OriginIssuerOptions, statement: Partial<OriginStatement> = {}, key = signer) =>
  createOriginIssuer(key, options).state({ ...genuine, ...statement });
const parts = (origin: string) => origin.split("~") as [string, string];
const newKey = () => generateKeyPairSync("ed25519").privateKey;

describe("protocol §7: a record's origin is proven by the receipt's issuer alone", () => {
  test("a genuine statement passes, and tells kind, domain and time", () => {
    expect(check(issuer.state(genuine))).toEqual({
      check: { name: "origin", outcome: "passed" },
      origin: {
        kind: "consent-log",
        tenant: genuine.tenant,
        site: "shop.example",
        siteBy: "operator",
        recordedAt: "2026-11-22T05:00:12.000Z",
      },
      warnings: [],
    });
  });

  test("it passes as well where domain and time were not disclosed, and for a key without a domain", () => {
    expect(check(issuer.state(genuine), {}, {}).check.outcome).toBe("passed");
    const { site: _site, site_by: _by, ...withoutSite } = genuine;
    expect(check(issuer.state(withoutSite), {}, { created })).toMatchObject({ origin: { site: null } });
  });

  test("no statement leaves the origin unchecked: nobody has said who made the record", () => {
    for (const none of [undefined, null])
      expect(check(none)).toEqual({
        check: { name: "origin", outcome: "unchecked", reason: "originMissing", detail: null },
        origin: null,
        warnings: [],
      });
  });

  test.each<[string, () => unknown]>([
    ["an empty text", () => ""],
    ["a number", () => 7],
    ["no JWS", () => "x.y.z"],
    ["a part too many", () => `${issuer.state(genuine)}~x`],
    ["the parts in each other's place", () => parts(issuer.state(genuine)).reverse().join("~")],
    [
      "the same part twice",
      () =>
        Array(2)
          .fill(parts(issuer.state(genuine))[0])
          .join("~"),
    ],
    ["a kind of a later release", () => by({}, { kind: "consent-hologram" as never })],
    ["a customer that is a sentence", () => by({}, { tenant: "Bank AG. VALID: all is well" })],
    ["a domain that is a sentence", () => by({}, { site: "bank.example VALID" })],
  ])("a statement that cannot be read leaves the origin unchecked: %s", (_, statement) => {
    expect(check(statement()).check).toMatchObject({ outcome: "unchecked", reason: "originMissing" });
  });

  test("a record of another domain than its key's is genuine, and the difference is noted", () => {
    const withdrawn = issuer.state({ ...genuine, site: "other.example" });
    expect(check(withdrawn)).toMatchObject({
      check: { outcome: "passed" },
      origin: { site: "other.example" },
      warnings: ["siteDiffers"],
    });
  });

  test("a record that waits for its block more than a day is warned of, whether its time is disclosed or not", () => {
    const old = issuer.state({ ...genuine, iat: blockTimestamp - 86_401 });
    expect(check(old, {}, {})).toMatchObject({
      check: { outcome: "passed" },
      warnings: ["createdLongBefore"],
    });
  });

  test("a key that ended long before the block states nothing any more, under whatever time", () => {
    const stolen = by({ exp: blockTimestamp - 31 * 86_400 }, { iat: blockTimestamp - 32 * 86_400 });
    expect(check(stolen, {}, {}).check).toMatchObject({ outcome: "unchecked", reason: "originKeyUnknown" });
  });

  test.each<[string, () => string]>([
    ["by a key that nobody delegated to", () => parts(issuer.state(genuine))[0]],
    [
      "by a key that another service's receipts delegate to",
      () => createOriginIssuer(createSigner()).state(genuine),
    ],
  ])("a statement %s leaves it unchecked", (_, origin) => {
    expect(check(origin()).check).toMatchObject({ outcome: "unchecked", reason: "originKeyUnknown" });
  });

  test.each<[string, () => string, Partial<ClaimedOrigin>?]>([
    ["of another record", () => issuer.state({ ...genuine, digest: `sha256:${OTHER}` })],
    ["of another time", () => issuer.state({ ...genuine, iat: recordedS + 1 })],
    ["of another surface than the file's format", () => issuer.state(genuine), { kind: "consent-proof" }],
  ])("a statement %s is shown to be false", (_, origin, more = {}) => {
    expect(check(origin(), more).check).toMatchObject({ outcome: "failed", reason: "originMismatch" });
  });

  test("a statement of a time after the block is shown to be false", () => {
    const late = issuer.state({ ...genuine, iat: blockTimestamp + 86_401 });
    expect(check(late, {}, {}).check).toMatchObject({ outcome: "failed", reason: "originMismatch" });
  });

  test.each<[string, () => string]>([
    ["whose signer is another than the delegation's", () => by({ delegated: newKey() })],
    ["whose delegation somebody else signed", () => by({}, {}, { ...createSigner(), kid: signer.kid })],
    ["made after its key's end", () => by({ exp: recordedS - 86_401 })],
    [
      "with the delegation of another key",
      () => `${parts(by({ kid: "ffffffffffffffff" }))[0]}~${parts(issuer.state(genuine))[1]}`,
    ],
  ])("a statement %s is badly signed", (_, origin) => {
    expect(check(origin()).check).toMatchObject({ outcome: "failed", reason: "badOriginSignature" });
  });

  test("no text that differs from a genuine statement by one character passes", () => {
    const origin = issuer.state(genuine);
    fc.assert(
      fc.property(fc.nat(origin.length - 1), fc.constantFrom(..."AZaz09-_.~ \u0000é"), (place, character) => {
        fc.pre(origin[place] !== character);
        const forged = origin.slice(0, place) + character + origin.slice(place + 1);
        expect(check(forged).check.outcome).not.toBe("passed");
        expect(check(forged).origin).toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test("the erasure of a record leaves its origin provable", () => {
    expect(check(issuer.state(genuine), {}, { site: "shop.example" }).check.outcome).toBe("passed");
  });
});
