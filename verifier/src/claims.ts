import type { Json } from "#protocol/consentRecord.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { firstDifference } from "./firstDifference.ts";
import {
  type Check,
  type DisclosedField,
  failed,
  passed,
  type Statement,
  unchecked,
} from "./verification.ts";

/** What receipt and record are proven to say. `digest`: 64 hex digits, which the surfaces show as the consent's id. */
export type Proven = { receipt: AnchorReceipt; fields: Map<string, Json>; digest: string };

/**
 * Something that a file says in plain sight, beside the proof, and what it must be. `mayBeOwnWord`: where nothing is proven about it, it is
 * named as the file's own word and not refused.
 */
export type Claim = {
  member: string;
  claimed: unknown;
  proven: (proven: Proven) => Json | undefined;
  mayBeOwnWord?: boolean;
};

/** `check` is null when there is nothing to hold against the proof. */
export type ClaimFindings = { check: Check | null; notProven: Statement[] };

/** A claim that is a field's very value. */
export function claimOfField(member: string, claimed: unknown, field: string): Claim {
  return { member, claimed, proven: ({ fields }) => fields.get(field) };
}

/**
 * That nothing in plain sight is another thing than receipt and record say. A member that is not there claims nothing.
 * @param disclosed null when the record lost a check, so that it bears nothing out.
 */
export function checkClaims(
  claims: readonly Claim[],
  receipt: AnchorReceipt,
  disclosed: readonly DisclosedField[] | null,
): ClaimFindings {
  const proven: Proven = {
    receipt,
    fields: new Map(disclosed?.map(({ name, value }) => [name, value])),
    digest: receipt.hash.slice(2).toLowerCase(),
  };
  const said = claims
    .filter(({ claimed }) => claimed !== undefined)
    .map((claim) => ({ ...claim, found: claim.proven(proven) }));
  const isOwnWord = ({ mayBeOwnWord, found }: Said) => mayBeOwnWord === true && found === undefined;
  const held = said.filter((claim) => !isOwnWord(claim));
  const notProven = said.filter(isOwnWord).map(({ member, claimed }) => ({ name: member, value: claimed }));
  if (held.length === 0) return { check: null, notProven };
  return { check: disclosed === null ? unchecked("claims", "notReached") : checkHeld(held), notProven };
}

type Said = Claim & { found: Json | undefined };

function checkHeld(held: readonly Said[]): Check {
  for (const { member, claimed, found } of held) {
    const lie = firstDifference(claimed, found, member);
    if (lie !== null)
      return failed("claims", "claimNotInRecord", `${lie.member} = ${shown(lie.claimed)}`, shown(lie.found));
  }
  return passed("claims");
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
