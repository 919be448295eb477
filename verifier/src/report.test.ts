import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { disclosureDigest, encodeDisclosure, type Json, recordDigest } from "#protocol/consentRecord.ts";
import { createSigner, signReceipt } from "#test/support/issuedReceipts.ts";
import { printable, printableJson } from "./printable.ts";
import { reportOf } from "./report.ts";
import type { Rpc } from "./rpc.ts";
import { verifyFile } from "./verifyFile.ts";

const hex = (digits: string, bytes: number) => `0x${digits.repeat(bytes)}` as const;
const disclosures = Object.entries({ action: "grant", visitor: "visitor-4711" }).map(([name, value], place) =>
  encodeDisclosure({ salt: `salt-of-the-tests-no-${place}`, name, value }),
);
const _sd = disclosures.map((disclosure) => disclosureDigest(disclosure)).sort();
const digest = recordDigest(_sd);
const receipt = signReceipt(
  {
    "@context": "https://holdfast.example/receipt/v1",
    hash: digest,
    merkleRoot: digest,
    proof: [],
    anchor: {
      chainId: 31_337,
      contractAddress: hex("c0", 20),
      txHash: hex("7a", 32),
      blockNumber: 7,
      blockTimestamp: 1_800_000_000,
      publisher: hex("b0", 20),
      blockHash: hex("b1", 32),
      logIndex: 0,
      leafCount: 1,
      leafIndex: 0,
    },
  },
  createSigner(),
);
const consent = {
  consent_token: "ct_1",
  record: { action: "grant" },
  disclosures,
  _sd,
  origin: "x.y.z",
  receipt,
};
const event = { id: digest.slice(2), action: true, createdAt: "2026-01-22T05:00:12.345Z", token: "ABC123" };
const files: Record<string, Json> = {
  receipt: receipt as unknown as Json,
  consent: { message: "Consent", data: consent } as unknown as Json,
  history: { records: [{ ...consent, event }], statement: "a.b.c", total: 1 } as unknown as Json,
  kantara: { version: "KI-CR-v1.1.0", anchor: receipt, disclosures, _sd } as unknown as Json,
};

/** What moves a cursor, writes a line, or turns text around, and a line that pretends to be a verdict. */
const hostile = fc
  .array(
    fc.constantFrom(
      "\u001b[2J",
      "\r\nVALID: all is well\n",
      "\u0085VALID: ",
      "\u2028",
      "\u2029",
      "\u009b1A",
      "\u202e",
      "\u2066",
      "\u200f",
      "\u0000",
      "\u{e0041}",
      "\ufeff",
      "x",
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => parts.join(""));

type Change = { place: number; text: string; asName: boolean };

/** The value with one of its texts, or the name of one of its members, replaced. */
function changed(value: Json, { place, text, asName }: Change): Json {
  let count = 0;
  const walk = (one: Json): Json => {
    if (typeof one === "string") return !asName && count++ === place ? text : one;
    if (Array.isArray(one)) return one.map(walk);
    if (typeof one !== "object" || one === null) return one;
    return Object.fromEntries(
      Object.entries(one).map(([name, inner]) => [asName && count++ === place ? text : name, walk(inner)]),
    );
  };
  return walk(value);
}

function jwtOf(payload: Json, kid: string): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  return `${encode({ alg: "RS256", typ: "JWT", kid })}.${encode(payload as object)}.AAAA`;
}

/** A node that says nothing but that. */
const saying = (text: string): Rpc => ({
  request: () => Promise.reject(Object.assign(new Error(text), { code: -32_000 })),
});

const LINE =
  /^((IN)?VALID: |COULD NOT CHECK: | {2}(passed|failed|unchecked|not pinned) | {14}|note: |disclosed: |not proven, |Record \d+$|$)/;
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

function expectOwnLines(report: string, verdicts: number): void {
  const lines = report.split("\n");
  for (const line of lines) {
    expect(line).not.toMatch(UNPRINTABLE);
    expect(line).toMatch(LINE);
  }
  expect(lines.filter((line) => /^(VALID|INVALID|COULD NOT CHECK)/.test(line))).toHaveLength(verdicts);
}

describe("protocol §8: a file or a node writes nothing on its reader's screen but characters", () => {
  const change = fc.record({ place: fc.nat(40), text: hostile, asName: fc.boolean() });

  test.each(Object.entries(files))(
    "the report of any %s has only its own line breaks, whatever text the file and the node hold",
    async (_, file) => {
      await fc.assert(
        fc.asyncProperty(change, hostile, async (one, said) => {
          const content = JSON.stringify(changed(file, one));
          const verification = await verifyFile(new TextEncoder().encode(content), { rpc: saying(said) });
          const records = "records" in verification ? verification.records.length : 0;
          expectOwnLines(reportOf(verification), 1 + records);
          const json = printableJson(verification);
          for (const line of json.split("\n")) expect(line).not.toMatch(UNPRINTABLE);
          expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(verification)));
        }),
        { numRuns: 150 },
      );
    },
  );

  test("so has that of any JWT, whose header alone may name its key", async () => {
    await fc.assert(
      fc.asyncProperty(hostile, change, async (kid, one) => {
        const payload = changed(files.kantara!, one);
        const bytes = new TextEncoder().encode(
          jwtOf({ ...(payload as object), anchor: receipt } as never, kid),
        );
        const verification = await verifyFile(bytes, { rpc: saying(kid) });
        expectOwnLines(reportOf(verification), 1);
      }),
      { numRuns: 150 },
    );
  });

  test("so has that of any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expectOwnLines(reportOf(await verifyFile(bytes, { rpc: saying("x") })), 1);
      }),
    );
  });

  test("a time that is none does not end the report", async () => {
    const header = Buffer.from('{"alg":"RS256","typ":"holdfast-history+jwt"}').toString("base64url");
    const claims = { iss: "x", iat: Number.MAX_SAFE_INTEGER, count: 1, last: `sha256:${digest.slice(2)}` };
    const statement = `${header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.AAAA`;
    const content = JSON.stringify({ records: [consent], statement });
    const verification = await verifyFile(new TextEncoder().encode(content), { rpc: saying("x") });
    expectOwnLines(reportOf(verification), 2);
  });

  test("an escape shows what stood there", () => {
    expect(printable("a\u001b[2J\u202eb\u{e0041}ü漢")).toBe("a\\u{1b}[2J\\u{202e}b\\u{e0041}ü漢");
    expect(printableJson("a\u009b\u{e0041}")).toBe('"a\\u009b\\udb40\\udc41"');
  });
});
