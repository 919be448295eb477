import type { Json } from "#protocol/consentRecord.ts";
import type { LeafDescription } from "../anchoring/describeLeaf.ts";
import type { LeafRow } from "../anchoring/findLeaves.ts";
import { consentToken } from "./consentToken.ts";
import type { StoredConsent } from "./findConsent.ts";
import type { ReadOrigin } from "./readOrigin.ts";
import { openRecord } from "./sealRecord.ts";

/** Everything that may be said of one consent to its tenant. */
export type ConsentDescription = {
  token: string;
  /** `sha256:` and 64 hex digits. */
  proofHash: string;
  createdAt: Date;
  /** Names and values of what is left of the record. */
  record: Record<string, Json>;
  disclosures: string[];
  /** Digests of all disclosures, erased ones too: over them stands the record digest. */
  sd: string[];
  /** Token of the erasure's own record. */
  erasedBy: string | null;
  /** The service's statement that it recorded this: see protocol/consentOrigin.ts. Null where it has made none. */
  origin: string | null;
} & Pick<LeafDescription, "status" | "failed" | "finality" | "receipt">;

export type DescribeConsentDeps = {
  findOwnLeaf: (wanted: { contentHash: Buffer; tenantId: string }) => Promise<LeafRow | null>;
  describeLeaf: (leaf: LeafRow, askChain: boolean) => Promise<LeafDescription>;
  readOrigin: ReadOrigin;
};

/** Opens a stored record, and says of its digest what anchoring says of any content hash. */
export function createConsentDescriber({ findOwnLeaf, describeLeaf, readOrigin }: DescribeConsentDeps) {
  return async (tenantId: string, consent: StoredConsent): Promise<ConsentDescription> => {
    const { disclosures, sd, fields } = openRecord(consent);
    const leaf = await findOwnLeaf({ contentHash: consent.recordDigest, tenantId });
    if (leaf === null) throw new Error(`consent ${consent.id} has no submission`);
    const { status, failed, finality, receipt } = await describeLeaf(leaf, false);
    return {
      token: consentToken(consent.id),
      proofHash: proofHash(consent.recordDigest.toString("hex")),
      createdAt: consent.createdAt,
      record: Object.fromEntries(fields.map(({ name, value }) => [name, value])),
      disclosures,
      sd,
      erasedBy: consent.erasedBy && consentToken(consent.erasedBy),
      origin: await readOrigin(consent, receipt?.kid ?? null),
      status,
      failed,
      finality,
      receipt,
    };
  };
}

/** @param recordDigest 64 hex digits. */
export function proofHash(recordDigest: string): string {
  return `sha256:${recordDigest}`;
}
