import { type CorpusFile, refused } from "../corpusFile.ts";
import { changed, type Genuine } from "../genuine.ts";

const MEMBERS = ["@context", "hash", "merkleRoot", "proof", "anchor", "signature", "publicKey", "kid"];
const ANCHOR_MEMBERS = [
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
].map((name) => `anchor.${name}`);
const PATHS = [...MEMBERS, ...ANCHOR_MEMBERS, "proof.0.position", "proof.0.data"];
const NUMBERS = /chainId|blockNumber|blockTimestamp|logIndex|leaf/;

/** A value of the right type that the member cannot have, and what it is. */
const OUT_OF_BOUNDS: [path: string, name: string, value: unknown, what: string][] = [
  ["@context", "no-receipt", "https://holdfast.example/receipt/v2", "names another format"],
  ["@context", "script", "javascript:alert(1)//receipt/v1", "is no address of the web"],
  ["@context", "long", `https://${"a".repeat(2_100)}.example/receipt/v1`, "is longer than an address may be"],
  ["hash", "short", `0x${"ab".repeat(31)}`, "has 31 bytes"],
  ["hash", "without-0x", "ab".repeat(32), "lacks its 0x"],
  ["hash", "with-0X", `0X${"AB".repeat(32)}`, "begins with 0X"],
  ["hash", "line-break", `0x${"ab".repeat(32)}\n`, "ends with a line break"],
  ["merkleRoot", "long", `0x${"ab".repeat(33)}`, "has 33 bytes"],
  ["merkleRoot", "no-hex", `0x${"zz".repeat(32)}`, "is not hexadecimal"],
  [
    "proof",
    "33-steps",
    Array(33).fill({ position: "left", data: `0x${"ab".repeat(32)}` }),
    "is longer than any tree",
  ],
  ["proof.0.position", "up", "up", "is no side"],
  ["proof.0.data", "empty", "0x", "is empty"],
  ["anchor.chainId", "0", 0, "is no chain"],
  ["anchor.chainId", "fraction", 1.5, "is no whole number"],
  ["anchor.contractAddress", "short", `0x${"ab".repeat(19)}`, "has 19 bytes"],
  ["anchor.txHash", "short", `0x${"ab".repeat(20)}`, "has 20 bytes"],
  ["anchor.blockNumber", "negative", -1, "is negative"],
  ["anchor.blockTimestamp", "fraction", 1772411400.5, "is no whole number"],
  ["anchor.publisher", "long", `0x${"ab".repeat(32)}`, "has 32 bytes"],
  ["anchor.blockHash", "no-hex", `0x${"g".repeat(64)}`, "is not hexadecimal"],
  ["anchor.logIndex", "2-to-32", 4_294_967_296, "is larger than any"],
  ["anchor.leafCount", "0", 0, "is of a tree without leaves"],
  ["anchor.leafCount", "2-to-32", 4_294_967_296, "is larger than the contract takes"],
  ["anchor.leafIndex", "negative", -1, "is negative"],
  ["anchor.leafIndex", "leafCount", 7, "is not below leafCount"],
  ["signature", "short", Buffer.alloc(63, 7).toString("base64"), "has 63 bytes"],
  ["signature", "stray-bits", `${"A".repeat(85)}B==`, "has bits beyond its last byte"],
  ["signature", "no-base64", "*".repeat(88), "is no base64"],
  ["publicKey", "long", Buffer.alloc(33, 7).toString("base64"), "has 33 bytes"],
  ["kid", "short", "AAAA", "is no thumbprint"],
];

/** Receipts of which a member is missing, of another type or out of bounds. */
export function formFamily({ usual }: Genuine): CorpusFile[] {
  const without = (path: string) => changed(usual, (draft) => set(draft, path, undefined));
  const having = (path: string, value: unknown) => changed(usual, (draft) => set(draft, path, value));
  const missing = PATHS.map((path) =>
    refused(`form-missing-${nameOf(path)}`, without(path), ["notAReceipt"], `The receipt has no ${path}.`),
  );
  const ofOtherType = PATHS.map((path) => {
    const text = textAt(usual, path);
    const value = NUMBERS.test(path) ? text : path === "proof" || path === "anchor" ? "text" : 7;
    const why = `${path} is of another type.`;
    return refused(`form-type-${nameOf(path)}`, having(path, value), ["notAReceipt"], why);
  });
  const outOfBounds = OUT_OF_BOUNDS.map(([path, name, value, what]) =>
    refused(`form-bounds-${nameOf(path)}-${name}`, having(path, value), ["notAReceipt"], `${path} ${what}.`),
  );
  return [...missing, ...ofOtherType, ...outOfBounds, ...otherForms(having)];
}

function otherForms(having: (path: string, value: unknown) => object): CorpusFile[] {
  const refuse = (name: string, path: string, value: unknown, why: string) =>
    refused(`form-${name}`, having(path, value), ["notAReceipt"], why);
  return [
    refuse("null-anchor", "anchor", null, "anchor is null."),
    refuse("list-anchor", "anchor", [], "anchor is a list."),
    refuse("null-step", "proof.0", null, "A step of the path is null."),
    refuse("object-proof", "proof", { length: 0 }, "proof is an object that looks like a list."),
    refuse("null-signature", "signature", null, "signature is null."),
  ];
}

function nameOf(path: string): string {
  return path.replace("@", "").replaceAll(".", "-");
}

type Members = Record<string, unknown>;

function set(root: object, path: string, value: unknown): void {
  const names = path.split(".");
  const owner = names.slice(0, -1).reduce<Members>((one, name) => one[name] as Members, root as Members);
  if (value === undefined) delete owner[names.at(-1)!];
  else owner[names.at(-1)!] = value;
}

function textAt(root: object, path: string): string {
  return String(path.split(".").reduce<unknown>((one, name) => (one as Members)[name], root));
}
