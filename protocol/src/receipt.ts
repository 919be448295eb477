import { base64ToBytes, base64UrlToBytes, type Hex } from "./bytes.ts";

/** One step of a receipt's Merkle path. Pairs are sorted, so `position` informs and does not decide. */
export type ReceiptProofStep = { position: "left" | "right"; data: Hex };

/** Where and when the root was anchored. HashAnchor's five members first, in their order, then ours. */
export type ReceiptAnchor = {
  chainId: number;
  contractAddress: Hex;
  txHash: Hex;
  blockNumber: number;
  /** Seconds since 1970, the block's own. */
  blockTimestamp: number;
  publisher: Hex;
  blockHash: Hex;
  /** Index of the log in its block. */
  logIndex: number;
  leafCount: number;
  leafIndex: number;
};

/** Our signed statement that a content hash was anchored: content hash, Merkle path and anchor facts. */
export type AnchorReceipt = {
  /** `<public URL>/receipt/v1`. Names the format and is not signed: its origin says nothing about the issuer. */
  "@context": string;
  hash: Hex;
  merkleRoot: Hex;
  proof: ReceiptProofStep[];
  anchor: ReceiptAnchor;
  /** Ed25519 over signedBytes, base64 of 64 bytes. */
  signature: string;
  /** Base64 of the 32 raw bytes. */
  publicKey: string;
  /** RFC 7638 thumbprint of the public key as a JWK. */
  kid: string;
};

export type ReceiptProblem = "notAnObject" | "missing" | "wrongType" | "outOfBounds";

/** `member` is the first offending one, such as `anchor.chainId`; null when the receipt itself is no object. */
export type ParsedReceipt =
  | { ok: true; receipt: AnchorReceipt }
  | { ok: false; reason: ReceiptProblem; member: string | null };

/** A tree of 2³² − 1 leaves is the largest that the contract takes. */
const PATH_LENGTH_MAX = 32;
const UINT32_MAX = 0xffff_ffff;
const CONTEXT_LENGTH_MAX = 2048;
const CONTEXT = /^https?:\/\/[^\s?#]+\/receipt\/v1$/;

/**
 * Bytes under the signature: `JSON.stringify({ hash, merkleRoot, proof, anchor })`, in that order, each member as it stands
 * in the receipt. The receipt must therefore be one that keeps the order in which its text was written.
 */
export function signedBytes({
  hash,
  merkleRoot,
  proof,
  anchor,
}: Pick<AnchorReceipt, "hash" | "merkleRoot" | "proof" | "anchor">): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ hash, merkleRoot, proof, anchor }));
}

/**
 * The receipt with the signed members in the order in which receipts are issued (protocol §6), for one that a program has rearranged,
 * such as a store that sorts members. Null when a signed part has a member more, which no issuer signs.
 */
export function inIssuedOrder(receipt: AnchorReceipt): AnchorReceipt | null {
  const anchor = inOrder(receipt.anchor, ANCHOR_MEMBERS);
  const proof = receipt.proof.map((step) => inOrder(step, STEP_MEMBERS));
  if (anchor === null || proof.includes(null)) return null;
  return { ...receipt, anchor, proof: proof as ReceiptProofStep[] };
}

function inOrder<T extends object>(object: T, checks: Record<string, Check>): T | null {
  const names = Object.keys(checks);
  if (Object.keys(object).length !== names.length) return null;
  return Object.fromEntries(names.map((name) => [name, object[name as keyof T]])) as T;
}

/**
 * A receipt with every member of the right type and within bounds; further members are let through untouched.
 * Says nothing about whether the receipt is true. `proof` and `anchor` are the given objects themselves, so that
 * signedBytes sees them as they stood.
 */
export function parseReceipt(value: unknown): ParsedReceipt {
  if (!isObject(value)) return { ok: false, reason: "notAnObject", member: null };
  const problem =
    firstProblem(value, "", RECEIPT_MEMBERS) ??
    firstProblem(value.anchor as Members, "anchor.", ANCHOR_MEMBERS) ??
    problemOfProof(value.proof as unknown[]) ??
    problemOfLeafIndex(value.anchor as ReceiptAnchor);
  return problem === null ? { ok: true, receipt: value as AnchorReceipt } : { ok: false, ...problem };
}

type Members = Record<string, unknown>;
type Problem = { reason: ReceiptProblem; member: string };
/** Null when the value is acceptable. */
type Check = (value: unknown) => "wrongType" | "outOfBounds" | null;

const RECEIPT_MEMBERS: Record<string, Check> = {
  "@context": textOf((text) => text.length <= CONTEXT_LENGTH_MAX && CONTEXT.test(text)),
  hash: hexOf(32),
  merkleRoot: hexOf(32),
  proof: (value) =>
    !Array.isArray(value) ? "wrongType" : value.length > PATH_LENGTH_MAX ? "outOfBounds" : null,
  anchor: (value) => (isObject(value) ? null : "wrongType"),
  signature: textOf((text) => isEncodingOf(64, text, base64ToBytes)),
  publicKey: textOf((text) => isEncodingOf(32, text, base64ToBytes)),
  kid: textOf((text) => isEncodingOf(32, text, base64UrlToBytes)),
};

const ANCHOR_MEMBERS: Record<string, Check> = {
  chainId: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  contractAddress: hexOf(20),
  txHash: hexOf(32),
  blockNumber: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  blockTimestamp: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  publisher: hexOf(20),
  blockHash: hexOf(32),
  logIndex: wholeNumber(0, UINT32_MAX),
  leafCount: wholeNumber(1, UINT32_MAX),
  leafIndex: wholeNumber(0, UINT32_MAX - 1),
};

const STEP_MEMBERS: Record<string, Check> = {
  position: textOf((text) => text === "left" || text === "right"),
  data: hexOf(32),
};

function firstProblem(object: Members, prefix: string, checks: Record<string, Check>): Problem | null {
  for (const [name, check] of Object.entries(checks)) {
    const member = `${prefix}${name}`;
    if (!Object.hasOwn(object, name)) return { reason: "missing", member };
    const reason = check(object[name]);
    if (reason !== null) return { reason, member };
  }
  return null;
}

function problemOfProof(proof: readonly unknown[]): Problem | null {
  for (const [index, step] of proof.entries()) {
    if (!isObject(step)) return { reason: "wrongType", member: `proof[${index}]` };
    const problem = firstProblem(step, `proof[${index}].`, STEP_MEMBERS);
    if (problem !== null) return problem;
  }
  return null;
}

function problemOfLeafIndex({ leafIndex, leafCount }: ReceiptAnchor): Problem | null {
  return leafIndex < leafCount ? null : { reason: "outOfBounds", member: "anchor.leafIndex" };
}

function hexOf(bytes: number): Check {
  const pattern = new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`);
  return textOf((text) => pattern.test(text));
}

function textOf(isInBounds: (text: string) => boolean): Check {
  return (value) => (typeof value !== "string" ? "wrongType" : isInBounds(value) ? null : "outOfBounds");
}

function wholeNumber(min: number, max: number): Check {
  return (value) => {
    if (typeof value !== "number") return "wrongType";
    return Number.isInteger(value) && value >= min && value <= max ? null : "outOfBounds";
  };
}

function isEncodingOf(bytes: number, text: string, decode: (text: string) => Uint8Array): boolean {
  try {
    return decode(text).length === bytes;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
