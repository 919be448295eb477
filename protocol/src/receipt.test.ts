import fc from "fast-check";
import { expect, test } from "vitest";
import { type AnchorReceipt, inIssuedOrder, parseReceipt, signedBytes } from "./receipt.ts";

function receipt(): AnchorReceipt {
  return {
    "@context": "https://holdfast.example/receipt/v1",
    hash: `0x${"01".repeat(32)}`,
    merkleRoot: `0x${"02".repeat(32)}`,
    proof: [{ position: "left", data: `0x${"03".repeat(32)}` }],
    anchor: {
      chainId: 31337,
      contractAddress: `0x${"04".repeat(20)}`,
      txHash: `0x${"05".repeat(32)}`,
      blockNumber: 6,
      blockTimestamp: 7,
      publisher: `0x${"08".repeat(20)}`,
      blockHash: `0x${"09".repeat(32)}`,
      logIndex: 0,
      leafCount: 2,
      leafIndex: 1,
    },
    signature: Buffer.alloc(64, 1).toString("base64"),
    publicKey: Buffer.alloc(32, 2).toString("base64"),
    kid: Buffer.alloc(32, 3).toString("base64url"),
  };
}

test("protocol §6: the signed bytes are the four members in their order, without white space", () => {
  const { hash, merkleRoot, proof, anchor } = receipt();
  const text = new TextDecoder().decode(signedBytes(receipt()));
  expect(text).toBe(
    `{"hash":"${hash}","merkleRoot":"${merkleRoot}","proof":[{"position":"left","data":"${proof[0]!.data}"}],` +
      `"anchor":{"chainId":31337,"contractAddress":"${anchor.contractAddress}","txHash":"${anchor.txHash}",` +
      `"blockNumber":6,"blockTimestamp":7,"publisher":"${anchor.publisher}","blockHash":"${anchor.blockHash}",` +
      `"logIndex":0,"leafCount":2,"leafIndex":1}}`,
  );
});

test("protocol §6: a receipt survives its own text, with the same signed bytes", () => {
  const parsed = parseReceipt(JSON.parse(JSON.stringify(receipt())));
  expect(parsed).toEqual({ ok: true, receipt: receipt() });
  expect(parsed.ok && signedBytes(parsed.receipt)).toEqual(signedBytes(receipt()));
});

test("unknown members are let through; inside what is signed they count as signed", () => {
  const outside = parseReceipt({ ...receipt(), note: 1 });
  expect(outside.ok && signedBytes(outside.receipt)).toEqual(signedBytes(receipt()));
  const inside = parseReceipt({ ...receipt(), anchor: { ...receipt().anchor, note: 1 } });
  expect(inside.ok).toBe(true);
  expect(inside.ok && signedBytes(inside.receipt)).not.toEqual(signedBytes(receipt()));
});

test.each([null, undefined, 1, "{}", [], [receipt()]])("%j is no receipt", (value) => {
  expect(parseReceipt(value)).toEqual({ ok: false, reason: "notAnObject", member: null });
});

const members = [
  ...Object.keys(receipt()),
  ...Object.keys(receipt().anchor).map((name) => `anchor.${name}`),
  "proof[0].position",
  "proof[0].data",
];

test.each(members)("a receipt without %s, or with another type there, is refused by that name", (member) => {
  const without = receipt();
  edit(without, member, (owner, name) => delete owner[name]);
  expect(parseReceipt(without)).toEqual({ ok: false, reason: "missing", member });
  for (const value of [null, true]) {
    const mistyped = receipt();
    edit(mistyped, member, (owner, name) => (owner[name] = value));
    expect(parseReceipt(mistyped)).toEqual({ ok: false, reason: "wrongType", member });
  }
});

test.each([
  ["@context", `https://${"x".repeat(2048)}/receipt/v1`],
  ["@context", "https://holdfast.example/receipt/v2"],
  ["@context", "/receipt/v1"],
  ["hash", `0x${"01".repeat(31)}`],
  ["hash", "01".repeat(32)],
  ["merkleRoot", `0x${"0g".repeat(32)}`],
  ["proof", Array.from({ length: 33 }, () => receipt().proof[0])],
  ["proof[0].position", "middle"],
  ["proof[0].data", "0x"],
  ["anchor.chainId", 0],
  ["anchor.chainId", 1.5],
  ["anchor.contractAddress", `0x${"04".repeat(32)}`],
  ["anchor.blockNumber", -1],
  ["anchor.blockNumber", 2 ** 53],
  ["anchor.blockTimestamp", Number.NaN],
  ["anchor.logIndex", 2 ** 32],
  ["anchor.leafCount", 0],
  ["anchor.leafCount", 2 ** 32],
  ["anchor.leafIndex", 2],
  ["signature", Buffer.alloc(63).toString("base64")],
  ["signature", `${Buffer.alloc(64).toString("base64")}\n`],
  ["publicKey", Buffer.alloc(32).toString("hex")],
  ["kid", Buffer.alloc(32).toString("base64")],
])("%s = %j is out of bounds", (member, value) => {
  const edited = receipt();
  edit(edited, member, (owner, name) => (owner[name] = value));
  expect(parseReceipt(edited)).toEqual({ ok: false, reason: "outOfBounds", member });
});

test("a proof step that is no object is named by its place", () => {
  const reason = { ok: false, reason: "wrongType", member: "proof[0]" };
  expect(parseReceipt({ ...receipt(), proof: ["0x"] })).toEqual(reason);
});

test("inherited members do not make a receipt", () => {
  expect(parseReceipt(Object.create(receipt()))).toMatchObject({ ok: false, reason: "missing" });
});

function edit(
  root: object,
  path: string,
  change: (owner: Record<string, unknown>, name: string) => void,
): void {
  const names = path.match(/[^.[\]]+/g)!;
  let owner = root as Record<string, unknown>;
  for (const name of names.slice(0, -1)) owner = owner[name] as Record<string, unknown>;
  change(owner, names.at(-1)!);
}

const orders = fc.infiniteStream(fc.nat());

/** The value with the members of every object in another order. */
function rearranged<T>(value: T, order: () => number): T {
  if (Array.isArray(value)) return value.map((item) => rearranged(item, order)) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [order(), name, rearranged(inner, order)]);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a as number) - (b as number)).map(([, name, inner]) => [name, inner]),
  );
}

test("protocol §6: however a receipt's members were rearranged, the bytes that were signed are found again", () => {
  fc.assert(
    fc.property(orders, (stream) => {
      const next = () => stream.next().value as number;
      const stored = rearranged(receipt(), next);
      expect(signedBytes(inIssuedOrder(stored)!)).toEqual(signedBytes(receipt()));
    }),
  );
});

test("protocol §6: a signed part with a member more is none that was issued in another order", () => {
  const { anchor, proof } = receipt();
  expect(inIssuedOrder({ ...receipt(), anchor: { ...anchor, note: 1 } as never })).toBeNull();
  expect(inIssuedOrder({ ...receipt(), proof: [{ ...proof[0]!, note: 1 } as never] })).toBeNull();
  expect(inIssuedOrder({ ...receipt(), note: 1 } as never)).not.toBeNull();
});
