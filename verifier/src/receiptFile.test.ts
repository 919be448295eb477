import { describe, expect, test } from "vitest";
import { contentOfFile, type FileContent } from "./receiptFile.ts";

const A = `0x${"a1".repeat(32)}`;
const B = `0x${"b2".repeat(32)}`;
const receipt = { hash: A, anchor: {}, proof: [] };

describe("protocol §8: an answer of GET /v1/verify stands for the receipt in it only when it is about that", () => {
  const inFile = (value: unknown) =>
    (contentOfFile(new TextEncoder().encode(JSON.stringify(value))) as FileContent).receipt;

  test.each([
    ["the receipt alone", receipt],
    ["an answer about its hash", { verified: true, hash: A, receipt }],
    ["an answer in another spelling of its hash", { verified: true, hash: A.toUpperCase(), receipt }],
    ["a receipt with what goes along with it", { receipt, disclosures: [], _sd: [] }],
    ["an answer with both inside of `data`", { data: { receipt, disclosures: [], _sd: [] } }],
  ])("%s holds it", (_, value) => {
    expect(inFile(value)).toEqual(receipt);
  });

  test.each([
    ["about another hash", { verified: true, hash: B, receipt }],
    ["about no hash", { verified: true, hash: null, receipt }],
    ["that says nothing is verified", { verified: false, hash: A, receipt }],
    ["without a receipt", { verified: false, hash: A, receipt: null }],
  ])("an answer %s holds none", (_, value) => {
    expect(inFile(value)).toBeNull();
  });
});
