import { expect, test } from "vitest";
import { type CrossCheckFailure, type CrossCheckInput, crossCheck } from "./crossCheck.ts";

function agreeing(): Required<CrossCheckInput> & {
  indexed: NonNullable<CrossCheckInput["indexed"]>;
  contract: { anchor: { blockNumber: bigint; blockTimestamp: bigint; leafCount: number } };
} {
  const publisher = `0x${"aa".repeat(20)}` as const;
  const root = `0x${"bb".repeat(32)}` as const;
  const blockHash = `0x${"cc".repeat(32)}` as const;
  return {
    batch: { publisher, root, leafCount: 3, blockHash },
    indexed: { publisher, root, leafCount: 3, blockHash, blockNumber: 10n, blockTimestamp: 99n },
    asOfBlock: 14n,
    confirmationsRequired: 5,
    contract: { anchor: { blockNumber: 10n, blockTimestamp: 99n, leafCount: 3 }, blockHash },
  };
}

test("protocol §5: batch, index and contract that agree are ok, as of a block", () => {
  expect(crossCheck(agreeing())).toEqual({ ok: true, asOfBlock: 14n });
});

test("protocol §5: the contract is compared only when it was asked, the batch's block only when it has one", () => {
  const { contract: _, ...unasked } = agreeing();
  expect(crossCheck(unasked).ok).toBe(true);
  const unplaced = agreeing();
  unplaced.batch.blockHash = null;
  expect(crossCheck(unplaced).ok).toBe(true);
});

test("the contract's block number is not compared: on some chains block.number is another chain's", () => {
  const input = agreeing();
  input.contract.anchor.blockNumber = 1_000n;
  expect(crossCheck(input).ok).toBe(true);
});

test("hex is compared in any case", () => {
  const mixed = agreeing();
  mixed.batch.publisher = `0x${"AA".repeat(20)}`;
  expect(crossCheck(mixed).ok).toBe(true);
});

const other32 = `0x${"dd".repeat(32)}` as const;
const other20 = `0x${"dd".repeat(20)}` as const;
const disagreements: [CrossCheckFailure, string, (input: ReturnType<typeof agreeing>) => object][] = [
  ["notIndexed", "nothing indexed", (input) => ({ ...input, indexed: null })],
  ["publisher", "another publisher", (input) => Object.assign(input.indexed, { publisher: other20 })],
  ["root", "another root", (input) => Object.assign(input.indexed, { root: other32 })],
  ["leafCount", "another leafCount", (input) => Object.assign(input.indexed, { leafCount: 4 })],
  ["blockHash", "another block", (input) => Object.assign(input.indexed, { blockHash: other32 })],
  ["contractNotAnchored", "no anchor on chain", (input) => Object.assign(input.contract, { anchor: null })],
  [
    "contractLeafCount",
    "on chain, another leafCount",
    (i) => Object.assign(i.contract.anchor, { leafCount: 4 }),
  ],
  [
    "contractBlock",
    "on chain, another time",
    (i) => Object.assign(i.contract.anchor, { blockTimestamp: 1n }),
  ],
  ["contractBlock", "a block no longer canonical", (i) => Object.assign(i.contract, { blockHash: other32 })],
  ["contractBlock", "a block that is gone", (i) => Object.assign(i.contract, { blockHash: null })],
  ["notConfirmed", "one confirmation too few", (input) => Object.assign(input, { asOfBlock: 13n })],
];

test.each(disagreements)("protocol §5: %s when there is %s", (failed, _, change) => {
  const input = agreeing();
  const changed = change(input);
  const asked = "batch" in changed ? (changed as CrossCheckInput) : input;
  expect(crossCheck(asked)).toEqual({ ok: false, failed, asOfBlock: asked.asOfBlock });
});

test("an index behind the anchor's own block confirms nothing, whatever is required", () => {
  expect(crossCheck({ ...agreeing(), asOfBlock: 9n, confirmationsRequired: 0 })).toMatchObject({
    failed: "notConfirmed",
  });
  expect(crossCheck({ ...agreeing(), asOfBlock: 10n, confirmationsRequired: 0 }).ok).toBe(true);
});
