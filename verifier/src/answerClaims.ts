import canonicalize from "canonicalize";
import type { Json } from "#protocol/consentRecord.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { CLOCKS_APART_MS } from "./checkRecord.ts";
import type { Claim, Proven } from "./claims.ts";

/** Names under which answers repeat the receipt's content hash, which of a consent is the record digest. */
const HASH_NAMES = ["hash", "proof_hash", "proofHash", "content_hash", "contentHash", "record_sha256"];
const TIME_NAMES = ["created_at", "createdAt"];
/** No member of these says more than the verdict does. */
const SAID_BY_VERDICT: Record<string, Json> = { verified: true, status: "anchored" };

/**
 * Of whatever stands around a proof: a member that repeats what is proven must agree with it, and any other is the file's own word. `known` are
 * the members that are looked at elsewhere.
 */
export function claimsAround(members: object, known: readonly string[], prefix = ""): Claim[] {
  return Object.entries(members)
    .filter(([name, value]) => !known.includes(name) && value !== null && value !== SAID_BY_VERDICT[name])
    .flatMap(([name, value]) =>
      name === "anchor" && typeof value === "object"
        ? claimsAround(value, [], `${prefix}anchor.`)
        : [claimOf(name, `${prefix}${name}`, value)],
    );
}

/** Of a member that nothing proves and nothing contradicts. */
export function ownWord(member: string, claimed: unknown): Claim {
  return { member, claimed, proven: () => undefined, mayBeOwnWord: true };
}

function claimOf(name: string, member: string, claimed: unknown): Claim {
  const proven = (record: Proven) => {
    const found = provenUnder(name, claimed, record);
    return typeof found === "string" && spelled(found) === spelled(claimed) ? (claimed as Json) : found;
  };
  return { member, claimed, proven, mayBeOwnWord: true };
}

function provenUnder(name: string, claimed: unknown, { receipt, fields, digest }: Proven): Json | undefined {
  if (name === "verified") return SAID_BY_VERDICT[name];
  if (HASH_NAMES.includes(name)) return `sha256:${digest}`;
  if (TIME_NAMES.includes(name)) return timeProven(fields.get("created"), receipt, claimed);
  const facts = Object.entries({
    ...receipt.anchor,
    merkleRoot: receipt.merkleRoot,
    onChainTimestamp: receipt.anchor.blockTimestamp,
  });
  return facts.find(([fact]) => fact === name)?.[1];
}

/** The same instant in another notation is the same time. */
function timeProven(created: Json | undefined, receipt: AnchorReceipt, claimed: unknown): Json | undefined {
  if (created === undefined) return latestBefore(receipt.anchor, claimed);
  return msOf(claimed) === Date.parse(String(created)) ? (claimed as Json) : created;
}

function msOf(time: unknown): number {
  return typeof time === "number" ? time : Date.parse(String(time));
}

/** What is anchored was there before; so that no time after its block passes for that of the consent. */
function latestBefore({ blockTimestamp }: { blockTimestamp: number }, claimed: unknown): Json | undefined {
  const isLater = Date.parse(String(claimed)) > blockTimestamp * 1_000 + CLOCKS_APART_MS;
  return isLater ? `before the block of second ${blockTimestamp}` : undefined;
}

/** Hex digits stand with `0x`, with `sha256:` or bare, and in any case. */
function spelled(value: unknown): string | undefined {
  const digits = typeof value === "string" && /^(?:0x|sha256:)?([0-9a-f]+)$/i.exec(value)?.[1];
  return digits ? digits.toLowerCase() : canonicalize(value);
}
