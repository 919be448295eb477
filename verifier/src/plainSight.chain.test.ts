import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { disclosureDigest, encodeDisclosure, recordDigest } from "#protocol/consentRecord.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { startIssuer } from "#test/support/issuedReceipts.ts";
import { createOriginIssuer } from "#test/support/origins.ts";
import { reportOf } from "./report.ts";
import type { Verification } from "./verification.ts";
import { verifyFile } from "./verifyFile.ts";
import type { HistoryVerification } from "./verifyHistory.ts";

const TOKEN = `ct_${"0a".repeat(16)}`;
const OTHER = "5e".repeat(32);
const LATER = "2999-01-01T00:00:00.000Z";
const created = "2026-01-22T05:00:12.345Z";
const record = { action: "grant", created, visitor: "visitor-4711" };
const [action, time, visitor] = Object.entries(record).map(([name, value], place) =>
  encodeDisclosure({ salt: `salt-of-the-tests-no-${place}`, name, value }),
) as [string, string, string];
const _sd = [action, time, visitor].map((disclosure) => disclosureDigest(disclosure)).sort();
const digest = recordDigest(_sd).slice(2);

let chain: TestChain;
let receipt: AnchorReceipt;
let origin: string;
let originInHistory: string;
beforeAll(async () => {
  chain = await startHardhatChain();
  const issuer = await startIssuer(chain);
  [receipt] = (await issuer.anchor([`0x${digest}`, `0x${OTHER}`])) as [AnchorReceipt];
  const iat = Math.floor(Date.parse(created) / 1_000);
  const statement = {
    kind: "consent-log",
    digest: `sha256:${digest}`,
    tenant: "019ac1f0-7e1c-7000-8000-4b5a6c7d8e9f",
    iat,
  } as const;
  const origins = createOriginIssuer(issuer.signer);
  origin = origins.state(statement);
  originInHistory = origins.state({ ...statement, kind: "consent-receipts" });
}, 120_000);
afterAll(() => chain?.stop());

const verify = (file: unknown) =>
  verifyFile(new TextEncoder().encode(JSON.stringify(file)), { rpc: chain.rpcUrl }) as Promise<Verification>;
const namesOf = ({ notProven }: Pick<Verification, "notProven">) => notProven.map(({ name }) => name);

/** An answer of HE-7. */
const answer = () => ({
  consent_token: TOKEN,
  proof_hash: `sha256:${digest}`,
  created_at: created,
  record,
  disclosures: [action, time, visitor],
  _sd,
  status: "anchored",
  finality: "finalized",
  receipt,
  origin,
  erased_by: null,
});
/** An answer of HA-5. */
const anchorAnswer = () => {
  const { txHash, blockNumber, blockTimestamp, chainId, contractAddress } = receipt.anchor;
  const anchor = { txHash, blockNumber, blockTimestamp, chainId, contractAddress };
  return {
    verified: true,
    status: "anchored",
    hash: receipt.hash,
    finality: "included",
    asOfBlock: 7,
    anchor: { ...anchor, onChainTimestamp: blockTimestamp },
    receipt,
  };
};
type Answer = ReturnType<typeof answer>;
const without = (file: Answer, ...names: (keyof Answer)[]) =>
  Object.fromEntries(Object.entries(file).filter(([name]) => !names.includes(name as keyof Answer)));

describe("protocol §8: a valid receipt vouches for nothing that was not held against it", () => {
  test("HE-7 an answer as it was served is valid, and names what is its own word alone", async () => {
    const verification = await verify({ message: "x", data: answer() });
    expect(verification).toMatchObject({ verdict: "valid", reasons: [] });
    expect(verification.notProven).toEqual([
      { name: "consent_token", value: TOKEN },
      { name: "finality", value: "finalized" },
      { name: "message", value: "x" },
    ]);
    expect(reportOf(verification)).toContain(`not proven, the file's own word: consent_token = "${TOKEN}"\n`);
  });

  test("protocol §7 an erased person's answer is valid, and its time is proven only where the record tells it", async () => {
    const erased = { ...answer(), record: { action: "grant", created }, disclosures: [action, time] };
    const verification = await verify({ data: { ...erased, erased_by: TOKEN } });
    expect(verification).toMatchObject({ verdict: "valid" });
    expect(namesOf(verification)).toEqual(["consent_token", "finality", "erased_by"]);
    const nothingLeft = await verify({ data: { ...answer(), record: {}, disclosures: [] } });
    expect(nothingLeft).toMatchObject({ verdict: "valid", disclosed: [] });
    expect(namesOf(nothingLeft)).toContain("created_at");
  });

  test("HA-5 a receipt, and an answer with one, are valid in any spelling; what the answer adds is its own word", async () => {
    expect(await verify(receipt)).toMatchObject({ verdict: "valid", notProven: [] });
    const spelled = { ...anchorAnswer(), hash: receipt.hash.toUpperCase(), contentHash: digest };
    for (const file of [anchorAnswer(), spelled]) {
      const verification = await verify(file);
      expect(verification).toMatchObject({ verdict: "valid" });
      expect(namesOf(verification)).toEqual(["finality", "asOfBlock"]);
    }
  });

  test.each<[string, () => unknown, string]>([
    [
      "without what ties it to its record",
      () => without({ ...answer(), record: { ...record, action: "decline" } }, "_sd", "disclosures"),
      "notARecord",
    ],
    ["with its record as a text", () => ({ ...answer(), record: "decline" }), "claimNotInRecord"],
    ["of an event without its record", () => ({ event: { action: false }, receipt }), "notARecord"],
    ["of an event that says other", () => ({ ...answer(), event: { action: false } }), "claimNotInRecord"],
    ["of another proof_hash", () => ({ ...answer(), proof_hash: `sha256:${OTHER}` }), "claimNotInRecord"],
    ["of another proofHash", () => ({ ...answer(), proofHash: `sha256:${OTHER}` }), "claimNotInRecord"],
    ["of another proof_hash alone", () => ({ proof_hash: `sha256:${OTHER}`, receipt }), "claimNotInRecord"],
    ["inside of another proofHash", () => ({ proofHash: OTHER, data: answer() }), "claimNotInRecord"],
    ["as a receipt with a proof_hash", () => ({ ...receipt, proof_hash: OTHER }), "claimNotInRecord"],
    ["of another created_at", () => ({ ...answer(), created_at: LATER }), "claimNotInRecord"],
    ["of another createdAt", () => ({ ...answer(), createdAt: LATER }), "claimNotInRecord"],
    ["made after its anchor", () => ({ createdAt: LATER, receipt }), "claimNotInRecord"],
    [
      "of another block",
      () => ({ ...anchorAnswer(), anchor: { ...anchorAnswer().anchor, blockNumber: 1 } }),
      "claimNotInRecord",
    ],
    ["of another transaction", () => ({ txHash: `0x${OTHER}`, receipt }), "claimNotInRecord"],
    [
      "as a JWT of another proof_hash than beside it",
      () => ({ proof_hash: digest, receipt: jwt({ proof_hash: OTHER }) }),
      "claimNotInRecord",
    ],
    ["that is said not to be verified", () => ({ verified: false, data: answer() }), "claimNotInRecord"],
    ["of a block number in hex digits", () => hexNumber(), "claimNotInRecord"],
  ])("an answer %s is invalid", async (_what, file, reason) => {
    expect(await verify(file())).toMatchObject({
      verdict: "invalid",
      reasons: expect.arrayContaining([reason]),
    });
  });
  const jwt = (claims: object) =>
    [{ alg: "none" }, { ...claims, anchor: receipt, disclosures: [], _sd }, "unsigned"]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
  const hexNumber = () => ({ blockNumber: `0x${receipt.anchor.blockNumber}`, receipt });

  test.each<[string, () => unknown, string[]]>([
    ["in its own words", () => ({ action: "decline", receipt }), ["action"]],
    ["in it, inside", () => ({ receipt: { ...receipt, action: "decline" } }), ["receipt.action"]],
    ["about an anchor", () => ({ anchor: { site: "x" }, receipt }), ["anchor.site"]],
  ])("what nothing bears out is named, %s", async (_what, file, names) => {
    const verification = await verify(file());
    expect(verification).toMatchObject({ verdict: "valid" });
    expect(namesOf(verification)).toEqual(names);
    for (const name of names) expect(reportOf(verification)).toContain(`own word: ${name} = `);
  });

  test.each<[string, () => object]>([
    ["an answer without its record", () => without(answer(), "_sd", "disclosures", "record", "origin")],
    ["a token beside a receipt", () => ({ consent_token: TOKEN, receipt })],
    ["a record digest beside a receipt", () => ({ receipt_id: TOKEN, record_sha256: digest, receipt })],
    ["a visitor beside a receipt", () => ({ visitor_id: "victim", decision: "accept", receipt })],
    ["a token in a receipt", () => ({ ...receipt, consent_token: TOKEN })],
    ["a whole proof in a receipt", () => ({ ...receipt, disclosures: [action], _sd, origin })],
    ["what stands around a receipt", () => ({ disclosures: [action], _sd, data: { receipt } })],
    ["what stands beside a receipt", () => ({ receipt, data: { record, _sd } })],
  ])(
    "protocol §7 what speaks of a consent without its record and origin is unchecked: %s",
    async (_what, file) => {
      const verification = await verify(file());
      expect(verification.verdict).not.toBe("valid");
      expect(verification.origin).toBeNull();
      expect(reportOf(verification)).not.toMatch(/^VALID/m);
    },
  );

  test.each<[string, () => object]>([
    ["around it", () => ({ record: { action: "decline" }, data: answer() })],
    ["in its receipt", () => ({ ...answer(), receipt: { ...receipt, record: { action: "decline" } } })],
    [
      "in its receipt, as an event",
      () => ({ ...answer(), receipt: { ...receipt, event: { action: false } } }),
    ],
  ])("a second record beside a genuine proof must say the same, %s", async (_what, file) => {
    expect(await verify(file())).toMatchObject({ verdict: "invalid", reasons: ["claimNotInRecord"] });
  });

  test("what programs do to an answer on its way makes it no other: null, empty text, another notation of a time, JSON in a cell", async () => {
    const files = [
      { ...answer(), record: { ...record, delegate: null, page_url: "" } },
      { ...answer(), event: { delegate: null, id: digest } },
      { ...answer(), created_at: created.replace("Z", "+00:00") },
      { ...answer(), created_at: Date.parse(created) },
      { hash: receipt.hash, receipt: JSON.stringify(receipt) },
    ];
    for (const file of files) expect(await verify(file)).toMatchObject({ verdict: "valid", reasons: [] });
  });

  test("no statement writes lines of its own into the report", async () => {
    const report = reportOf(await verify({ "a\nVALID": "\u202e\n", receipt }));
    expect(report).toContain('own word: a\\u{a}VALID = "\\u{202e}\\n"\n');
  });

  test("a history names what stands in and around its records alone", async () => {
    const proof = { record, disclosures: [action, time, visitor], _sd, receipt, origin: originInHistory };
    const entry = { event: { token: "F5KLLW" }, ...proof };
    const file = { note: "x", data: { total: 3, records: [entry] } };
    const history = (await verify(file)) as unknown as HistoryVerification;
    expect(history).toMatchObject({ verdict: "unchecked", reasons: ["statementMissing"] });
    expect(namesOf(history)).toEqual(["note", "total"]);
    expect(namesOf(history.records[0]!)).toEqual(["event.token"]);
    expect(reportOf(history)).toContain("own word: total = 3\n");
    const lie = { records: [{ ...entry, proof_hash: `sha256:${OTHER}` }] };
    expect(await verify(lie)).toMatchObject({ verdict: "invalid", reasons: ["claimNotInRecord"] });
  });
});
