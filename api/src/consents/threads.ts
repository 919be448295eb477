import { hash } from "node:crypto";
import type { NewConsent } from "./newConsent.ts";

/** 128 bits of a SHA-256 as hex: enough that two are never equal by chance, and short in an index. */
const DIGEST_HEX_DIGITS = 32;

/**
 * Where a record stands in the index of threads. Plain digests: keys that could be made anew from a guess would outlive an erasure,
 * so these go with the values, and need no secret until then.
 */
export type ThreadKey = { personDigest: string; threadDigest: string };

/** Of a person under any name that a surface has for one; hex. */
export function personDigest(tenantId: string, person: string): string {
  return digest([tenantId, person]);
}

/**
 * The thread that a consent continues, by the rules of its surface (protocol §7). One that continues none but names a person has a
 * thread of its own, by which it is found; null when it does neither.
 */
export function threadOf(tenantId: string, id: string, consent: NewConsent): ThreadKey | null {
  if (consent.visitor !== undefined && consent.subject !== undefined)
    throw new TypeError("a consent names its person once");
  const person = consent.visitor ?? consent.subject;
  const parts = threadParts(consent);
  if (parts === null && person === undefined) return null;
  return {
    personDigest: person === undefined ? "" : personDigest(tenantId, person),
    threadDigest: digest(parts === null ? [id] : [consent.surface, ...parts]),
  };
}

function threadParts({ surface, ...consent }: NewConsent): (string | undefined)[] | null {
  switch (surface) {
    case "receipts":
      return [consent.subject, consent.issuer, consent.target, consent.scope];
    case "log":
      if (consent.visitor === undefined) return null;
      return [consent.visitor, consent.site, consent.document?.slug, consent.type];
    case "gate":
      return [consent.verification, consent.document?.slug];
    case "proof":
      if (consent.visitor === undefined) return null;
      return [consent.visitor, consent.site];
    case "erasure":
      return null;
  }
}

/** JSON keeps parts apart whatever is in them, and an absent one (null) from an empty one. */
function digest(parts: readonly (string | undefined)[]): string {
  return hash("sha256", JSON.stringify(parts.map((part) => part ?? null))).slice(0, DIGEST_HEX_DIGITS);
}
