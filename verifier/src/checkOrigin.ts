import { base64ToBytes, base64UrlToBytes, type Hex } from "#protocol/bytes.ts";
import {
  isOriginSigned,
  type Origin,
  type OriginKind,
  type OriginStatement,
  originDigest,
  parseOrigin,
} from "#protocol/consentOrigin.ts";
import type { Json } from "#protocol/consentRecord.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { CLOCKS_APART_MS } from "./checkRecord.ts";
import type { Warning } from "./reason.ts";
import { timeText } from "./timeText.ts";
import { type Check, failed, type ProvenOrigin, passed, unchecked } from "./verification.ts";

/** What goes along with a record: the service's statement, and which surface the file's format is of, where it tells. */
export type ClaimedOrigin = { statement: unknown; kind?: OriginKind | undefined };

export type OriginFindings = { check: Check; origin: ProvenOrigin | null; warnings: Warning[] };

/** How long after its key's end a record may still wait for its block. A key that was stolen later states nothing that is anchored later. */
const DELEGATED_AFTER_END_MS_MAX = 30 * 86_400_000;

/**
 * That the holder of the receipt's key states that it recorded this consent (protocol §7). Anybody can submit any hash, so the anchor
 * alone does not tell. What subject, visitor and choice say stays the tenant's word all the same.
 * @param fields what was disclosed of the record.
 */
export function checkOrigin(
  { statement, kind }: ClaimedOrigin,
  receipt: AnchorReceipt,
  fields: ReadonlyMap<string, Json>,
): OriginFindings {
  const none = (check: Check): OriginFindings => ({ check, origin: null, warnings: [] });
  if (statement === undefined || statement === null || statement === "")
    return none(unchecked("origin", "originMissing"));
  const origin = parseOrigin(statement);
  if (origin === null) return none(unchecked("origin", "originMissing", "no statement that can be read"));
  const { claims } = origin.statement;
  const difference = differenceOf(claims, { receipt, fields, kind });
  if (difference !== null)
    return none(failed("origin", "originMismatch", difference.claimed, difference.found));
  const signature = checkSignatures(origin, receipt);
  if (signature.outcome !== "passed") return none(signature);
  return {
    check: signature,
    origin: provenOrigin(claims),
    warnings: warningsOf(claims, receipt, fields),
  };
}

function provenOrigin({ kind, tenant, site, site_by, iat }: OriginStatement): ProvenOrigin {
  return { kind, tenant, site: site ?? null, siteBy: site_by ?? null, recordedAt: timeText(iat) };
}

function warningsOf(
  { site, iat }: OriginStatement,
  { anchor }: AnchorReceipt,
  fields: ReadonlyMap<string, Json>,
): Warning[] {
  const ofRecord = fields.get("site");
  const isOther = ofRecord !== undefined && ofRecord !== site;
  const isLongBefore = iat * 1_000 < anchor.blockTimestamp * 1_000 - CLOCKS_APART_MS;
  return [
    ...(isOther ? ["siteDiffers" as const] : []),
    ...(isLongBefore ? ["createdLongBefore" as const] : []),
  ];
}

type Beside = { receipt: AnchorReceipt; fields: ReadonlyMap<string, Json>; kind: OriginKind | undefined };

function differenceOf(
  { digest, kind, iat }: OriginStatement,
  { receipt, fields, kind: expected }: Beside,
): { claimed: string; found: string } | null {
  const ofReceipt = originDigest(receipt.hash.toLowerCase() as Hex);
  if (digest !== ofReceipt) return { claimed: digest, found: ofReceipt };
  if (expected !== undefined && kind !== expected) return { claimed: kind, found: expected };
  const created = fields.get("created");
  if (created !== undefined && Math.floor(Date.parse(String(created)) / 1_000) !== iat)
    return { claimed: timeText(iat), found: JSON.stringify(created) };
  if (iat * 1_000 > receipt.anchor.blockTimestamp * 1_000 + CLOCKS_APART_MS)
    return { claimed: timeText(iat), found: `the block of second ${receipt.anchor.blockTimestamp}` };
  return null;
}

/** The receipt's key delegates to the statement's, and that has signed the statement in its time. */
function checkSignatures({ statement, delegation }: Origin, receipt: AnchorReceipt): Check {
  if (delegation === null || delegation.kid !== receipt.kid)
    return unchecked("origin", "originKeyUnknown", delegation && `by the key ${delegation.kid}`);
  const { exp, cnf } = delegation.claims;
  const lost = (claimed: string, found: string) => failed("origin", "badOriginSignature", claimed, found);
  if (!isOriginSigned(delegation, base64ToBytes(receipt.publicKey)))
    return lost(delegation.kid, "no delegation by the receipt's key");
  if (cnf.jwk.kid !== statement.kid) return lost(statement.kid, `a delegation to ${cnf.jwk.kid}`);
  if (exp * 1_000 + DELEGATED_AFTER_END_MS_MAX < receipt.anchor.blockTimestamp * 1_000)
    return unchecked("origin", "originKeyUnknown", `by a key that ended at ${timeText(exp)}`);
  if (statement.claims.iat * 1_000 > exp * 1_000 + CLOCKS_APART_MS)
    return lost(timeText(statement.claims.iat), `a key until ${timeText(exp)}`);
  if (!isOriginSigned(statement, base64UrlToBytes(cnf.jwk.x)))
    return lost(statement.kid, "no signature of this statement");
  return passed("origin");
}
