import canonicalize from "canonicalize";
import type { Json } from "#protocol/consentRecord.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { type Check, type DisclosedField, failed, passed, unchecked } from "./verification.ts";

/** What the record is proven to say. `digest`: 64 hex digits, which the surfaces show as the consent's id. */
export type ProvenRecord = { fields: Map<string, Json>; digest: string };

/** Something that a file says of a consent in plain sight, beside the proof, and what it must be. */
export type Claim = { member: string; claimed: unknown; proven: (record: ProvenRecord) => Json | undefined };

/** A claim that is a field's very value. */
export function claimOfField(member: string, claimed: unknown, field: string): Claim {
  return { member, claimed, proven: ({ fields }) => fields.get(field) };
}

/** That nothing in plain sight is another thing than the record says. A member that is not there claims nothing. */
export function checkClaims(
  claims: readonly Claim[],
  receipt: AnchorReceipt,
  disclosed: readonly DisclosedField[] | null,
): Check {
  if (disclosed === null) return unchecked("claims", "notReached");
  const record: ProvenRecord = {
    fields: new Map(disclosed.map(({ name, value }) => [name, value])),
    digest: receipt.hash.slice(2).toLowerCase(),
  };
  for (const { member, claimed, proven } of claims) {
    if (claimed === undefined) continue;
    const found = proven(record);
    if (found === undefined) return failed("claims", "claimNotInRecord", shown(member, claimed), "nothing");
    if (canonicalize(claimed) !== canonicalize(found))
      return failed("claims", "claimNotInRecord", shown(member, claimed), JSON.stringify(found));
  }
  return passed("claims");
}

function shown(member: string, claimed: unknown): string {
  return `${member} = ${JSON.stringify(claimed)}`;
}
