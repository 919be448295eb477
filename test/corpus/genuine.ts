import type { AnchorReceipt } from "#protocol/receipt.ts";
import { signReceipt } from "#test/support/issuedReceipts.ts";
import type { ProvenOrigin } from "#verifier/verification.ts";
import type { Anchored } from "./anchored.ts";
import type { Consent } from "./formats.ts";
import { SERVICE } from "./keys.ts";
import { FORGED, GENUINE, type TestRecord } from "./records.ts";
import { originOf, TENANT } from "./statements.ts";

/** What the service has issued: the families take it, and change one thing in it. */
export type Genuine = Anchored & {
  /** A receipt with a path of three steps. */
  usual: AnchorReceipt;
  consents: Record<keyof typeof GENUINE, Consent>;
  /** With the service's own receipts, and without the statements that it never made. */
  forged: Record<keyof typeof FORGED, Consent>;
};

export function genuineOf(anchored: Anchored): Genuine {
  const consentOf = (record: TestRecord, origin: string | null): Consent => {
    const { disclosures, _sd } = record;
    return { record, proof: { receipt: anchored.receiptOf(record), disclosures, _sd, origin } };
  };
  const byService = (record: TestRecord, name: string) =>
    originOf(record, name === "logByTenant" ? { site_by: "tenant" } : {});
  const all = <Name extends string>(
    records: Record<Name, TestRecord>,
    origin: (record: TestRecord, name: string) => string | null,
  ) =>
    Object.fromEntries(
      Object.entries<TestRecord>(records).map(([name, record]) => [
        name,
        consentOf(record, origin(record, name)),
      ]),
    ) as Record<Name, Consent>;
  return {
    ...anchored,
    usual: anchored.receipt("seven", 2),
    consents: all(GENUINE, (record, name) => (name === "timeless" ? null : byService(record, name))),
    forged: all(FORGED, () => null),
  };
}

/** The receipt with a change that its issuer has signed. */
export function resigned(
  receipt: AnchorReceipt,
  change: (draft: AnchorReceipt) => void,
  signer = SERVICE,
): AnchorReceipt {
  const draft = structuredClone(receipt);
  change(draft);
  return signReceipt(draft, signer);
}

/** A change that nobody has signed. */
export function changed<T extends object>(value: T, change: (draft: T) => void): T {
  const draft = structuredClone(value);
  change(draft);
  return draft;
}

/** Another hexadecimal text of the same length. */
export function otherHex<T extends string>(hex: T): T {
  const last = hex.at(-1) === "0" ? "1" : "0";
  return `${hex.slice(0, -1)}${last}` as T;
}

/** What a verification says of the origin of a genuine record. */
export function provenOriginOf(
  { kind, fields }: TestRecord,
  siteBy: "operator" | "tenant" = "operator",
): ProvenOrigin {
  const site = typeof fields.site === "string" ? fields.site : null;
  const recordedAt = `${String(fields.created).slice(0, 19)}.000Z`;
  return { kind, tenant: TENANT, site, siteBy: site === null ? null : siteBy, recordedAt };
}
