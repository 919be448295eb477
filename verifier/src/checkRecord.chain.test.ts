import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { disclosureDigest, encodeDisclosure, type Json, recordDigest } from "#protocol/consentRecord.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { startIssuer } from "#test/support/issuedReceipts.ts";
import { createOriginIssuer } from "#test/support/origins.ts";
import type { InvalidReason } from "./reason.ts";
import { contentOfFile, type FileContent } from "./receiptFile.ts";
import { reportOf } from "./report.ts";
import { verifyReceipt } from "./verifyReceipt.ts";

const fields: Record<string, Json> = {
  action: "grant",
  visitor: "visitor-4711",
  metadata: { order: "ORD-1", list: [1, null, "\u2028"] },
};
const disclosures = Object.entries(fields).map(([name, value], i) =>
  encodeDisclosure({ salt: `salt-of-the-tests-no-${i}`, name, value }),
);
const _sd = disclosures.map((disclosure) => disclosureDigest(disclosure)).sort();
const stranger = encodeDisclosure({ salt: "another-salt-of-tests", name: "scope", value: "all" });

let chain: TestChain;
let receipt: AnchorReceipt;
let otherReceipt: AnchorReceipt;
let origin: string;
beforeAll(async () => {
  chain = await startHardhatChain();
  const issuer = await startIssuer(chain);
  [receipt, otherReceipt] = (await issuer.anchor([recordDigest(_sd), `0x${"5e".repeat(32)}`])) as [
    AnchorReceipt,
    AnchorReceipt,
  ];
  const digest = `sha256:${recordDigest(_sd).slice(2)}`;
  origin = createOriginIssuer(issuer.signer).state({
    kind: "consent-log",
    digest,
    tenant: "019ac1f0-7e1c-7000-8000-4b5a6c7d8e9f",
  });
}, 120_000);
afterAll(() => chain?.stop());

const verify = (file: unknown) =>
  verifyReceipt({
    ...(contentOfFile(new TextEncoder().encode(JSON.stringify(file))) as FileContent),
    rpc: chain.rpcUrl,
  });

describe("protocol §7, §8: what was disclosed of a consent is checked with its receipt", () => {
  test("all of it, or any choice, is valid and listed; erased values are missed by nobody", async () => {
    for (const choice of [disclosures, [disclosures[2]!, disclosures[0]!], [disclosures[1]!], []]) {
      const verification = await verify({ receipt, disclosures: choice, _sd, origin });
      expect(verification).toMatchObject({ verdict: "valid", reasons: [] });
      const names = choice.map((disclosure) => Object.keys(fields)[disclosures.indexOf(disclosure)]!);
      expect(verification.disclosed).toEqual(names.map((name) => ({ name, value: fields[name] })));
    }
  });

  test("an answer of the API is taken as it is, `_sd` in whatever order", async () => {
    const answer = { data: { record: {}, receipt, disclosures, _sd: _sd.toReversed(), origin } };
    expect(await verify(answer)).toMatchObject({ verdict: "valid" });
  });

  test("the report lists it, and no value writes lines of its own", async () => {
    const report = reportOf(await verify({ receipt, disclosures, _sd }));
    expect(report).toContain('\ndisclosed: visitor = "visitor-4711"\n');
    expect(report.split("\n").filter((line) => line.startsWith("disclosed:"))).toHaveLength(3);
    expect(report).not.toContain("\u2028");
  });

  test("protocol §7 a record whose origin nobody states is unchecked, and so never said to be recorded", async () => {
    const verification = await verify({ receipt, disclosures, _sd });
    expect(verification).toMatchObject({ verdict: "unchecked", reasons: ["originMissing"], origin: null });
    const report = reportOf(verification);
    expect(report).toMatch(/^COULD NOT CHECK: originMissing\n/);
    expect(report).not.toContain("recorded this");
  });

  test("protocol §7 a record that says it was made more than a day before its block is warned of", async () => {
    const { blockTimestamp } = receipt.anchor;
    const warningsAt = async (ms: number) => {
      const created = new Date(blockTimestamp * 1_000 - ms).toISOString();
      const old = encodeDisclosure({ salt: "salt-of-the-tests-no-9", name: "created", value: created });
      const digests = [disclosureDigest(old)];
      const issuer = await startIssuer(chain);
      const [own] = await issuer.anchor([recordDigest(digests)]);
      return (await verify({ receipt: own, disclosures: [old], _sd: digests })).warnings;
    };
    expect(await warningsAt(86_500_000)).toContain("createdLongBefore");
    expect(await warningsAt(0)).not.toContain("createdLongBefore");
  });

  test("a receipt alone discloses nothing", async () => {
    expect(await verify(receipt)).toMatchObject({ verdict: "valid", disclosed: null });
  });

  test.each<[string, () => object, InvalidReason]>([
    [
      "a disclosure from elsewhere",
      () => ({ receipt, disclosures: [stranger], _sd }),
      "disclosureNotInRecord",
    ],
    [
      "a changed value",
      () => ({
        receipt,
        disclosures: [encodeDisclosure({ salt: "salt-of-the-tests-no-0", name: "action", value: "decline" })],
        _sd,
      }),
      "disclosureNotInRecord",
    ],
    ["another record's receipt", () => ({ receipt: otherReceipt, disclosures, _sd }), "recordDigestMismatch"],
    [
      "a digest too many",
      () => ({ receipt, disclosures: [stranger], _sd: [..._sd, disclosureDigest(stranger)] }),
      "recordDigestMismatch",
    ],
    ["a digest too few", () => ({ receipt, disclosures: [], _sd: _sd.slice(1) }), "recordDigestMismatch"],
    [
      "the same field twice",
      () => ({ receipt, disclosures: [disclosures[0], disclosures[0]], _sd }),
      "notADisclosure",
    ],
    ["a text that is none", () => ({ receipt, disclosures: ["W10"], _sd }), "notADisclosure"],
    ["a number", () => ({ receipt, disclosures: [1], _sd }), "notADisclosure"],
    ["no list of disclosures", () => ({ receipt, disclosures: {}, _sd }), "notADisclosure"],
    ["no _sd", () => ({ receipt, disclosures }), "notARecord"],
    ["a digest twice", () => ({ receipt, disclosures, _sd: [..._sd, _sd[0]] }), "notARecord"],
    ["an _sd of other texts", () => ({ receipt, disclosures, _sd: ["x"] }), "notARecord"],
  ])("%s is invalid, and nothing is listed as disclosed", async (_what, file, reason) => {
    expect(await verify(file())).toMatchObject({
      verdict: "invalid",
      reasons: expect.arrayContaining([reason]),
      disclosed: [],
    });
  });
});
