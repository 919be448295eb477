import type { OriginKind } from "#protocol/consentOrigin.ts";
import type { Json } from "#protocol/consentRecord.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import type { InvalidReason, UncheckedReason, Warning } from "./reason.ts";

/** In the order in which they are made. */
export type CheckName =
  | "form"
  | "record"
  | "disclosures"
  | "created"
  | "origin"
  | "claims"
  | "jwtKey"
  | "pdfSignature"
  | "keyId"
  | "signature"
  | "pathLength"
  | "positions"
  | "path"
  | "key"
  | "publisher"
  | "contract"
  | "chain"
  | "anchor"
  | "block"
  | "event"
  | "finality"
  // Of a history.
  | "start"
  | "links"
  | "thread"
  | "times"
  | "statement";

/** `claimed` is what the receipt says, `found` what stands against it. */
export type Check = { name: CheckName } & (
  | { outcome: "passed" }
  | { outcome: "notPinned"; claimed: string }
  | { outcome: "failed"; reason: InvalidReason; claimed: string; found: string }
  | { outcome: "unchecked"; reason: UncheckedReason; detail: string | null }
);

/** From the chain's own tags. */
export type Finality = "included" | "safe" | "finalized";

/** A field of a consent record. */
export type DisclosedField = { name: string; value: Json };

/** What a file says under a name of its own. */
export type Statement = { name: string; value: unknown };

/**
 * `tenant`: id of the service's customer. `site`: the domain that the recording API key speaks for, or null, and `siteBy` by whose word it
 * does. `recordedAt`: ISO 8601, UTC.
 */
export type ProvenOrigin = {
  kind: OriginKind;
  tenant: string;
  site: string | null;
  siteBy: "operator" | "tenant" | null;
  recordedAt: string;
};

/** `certificateSha256`: 64 hex digits. */
export type PdfSigner = { subject: string; certificateSha256: string };

export type Pin = "key" | "publisher" | "contract" | "jwtKey";

/** Plain JSON all through. */
export type Verification = {
  /** `invalid` as soon as one check fails, `valid` only when none failed and every one could be made. */
  verdict: "valid" | "invalid" | "unchecked";
  /** Empty exactly when valid. */
  reasons: (InvalidReason | UncheckedReason)[];
  checks: Check[];
  /** What the caller did not name, so that the receipt's own word stands: anybody can sign with a key of their own. */
  notPinned: Pin[];
  /** Null unless the anchor was found in the chain. */
  finality: Finality | null;
  warnings: Warning[];
  /** The receipt that was checked; null when the input was none. */
  receipt: AnchorReceipt | null;
  /** What is proven to stand in the consent record; null when the receipt was checked alone. */
  disclosed: DisclosedField[] | null;
  /** What the holder of the receipt's key states of the record's origin; null unless that check passed. */
  origin: ProvenOrigin | null;
  /** Who signed the PDF that the receipt came in, by a certificate that nobody vouches for here; null for no such PDF. */
  pdfSigner: PdfSigner | null;
  /** What the file says around a receipt and neither receipt nor record bears out: the word of whoever wrote the file. */
  notProven: Statement[];
};

export function passed(name: CheckName): Check {
  return { name, outcome: "passed" };
}

export function failed(name: CheckName, reason: InvalidReason, claimed: unknown, found: unknown): Check {
  return { name, outcome: "failed", reason, claimed: String(claimed), found: String(found) };
}

export function unchecked(name: CheckName, reason: UncheckedReason, detail: string | null = null): Check {
  return { name, outcome: "unchecked", reason, detail };
}

/** The verdict that follows from the checks, and from nothing else. */
export function conclude({
  receipt,
  checks,
  finality,
  warnings,
  disclosed = null,
  origin = null,
  pdfSigner = null,
  notProven = [],
}: Pick<Verification, "receipt" | "checks" | "finality" | "warnings"> &
  Partial<Pick<Verification, "disclosed" | "origin" | "pdfSigner" | "notProven">>): Verification {
  const failures = checks.filter((check) => check.outcome === "failed");
  const gaps = checks.filter((check) => check.outcome === "unchecked");
  const verdict = failures.length > 0 ? "invalid" : gaps.length > 0 ? "unchecked" : "valid";
  const found = (failures.length > 0 ? failures : gaps).map(({ reason }) => reason);
  // A check was not reached because of another reason, which stands first.
  const reasons = [...found.filter((reason) => reason !== "notReached"), ...found];
  const names = checks.filter(({ outcome }) => outcome === "notPinned").map(({ name }) => name as Pin);
  return {
    verdict,
    reasons: [...new Set(reasons)],
    checks,
    notPinned: [...new Set(names)],
    finality,
    warnings,
    receipt,
    disclosed,
    origin,
    pdfSigner,
    notProven,
  };
}
