import { consentToken } from "../consents/consentToken.ts";
import type { ConsentDescription } from "../consents/describeConsent.ts";
import type { StoredConsent } from "../consents/findConsent.ts";
import type { Database } from "../db/client.ts";
import { verificationName } from "./verificationId.ts";
import {
  type AcceptanceRow,
  findCallback,
  getVerification,
  listAcceptances,
  listMedia,
  type MediumRow,
  type VerificationRow,
} from "./verifications.ts";

export type DescribeVerificationDeps = {
  db: Database;
  findConsent: (tenantId: string, token: string) => Promise<StoredConsent | null>;
  describeConsent: (
    tenantId: string,
    consent: StoredConsent,
  ) => Promise<Pick<ConsentDescription, "status" | "proofHash" | "origin">>;
};

/** Everything that may be said of a verification to its tenant (PA-2). @throws {NotFoundError} */
export async function describeVerification(deps: DescribeVerificationDeps, tenantId: string, name: string) {
  const verification = await getVerification(deps.db.pool, tenantId, name);
  const [acceptances, media, callback] = await Promise.all([
    listAcceptances(deps.db.pool, verification),
    listMedia(deps.db.pool, verification),
    findCallback(deps.db.pool, verification),
  ]);
  const newest = acceptances.at(-1);
  return {
    ...describeRow(verification),
    consent: newest === undefined ? null : await describeAcceptance(deps, tenantId, newest),
    media: media.map(describeMedium),
    callback,
  };
}

export function describeRow(row: VerificationRow) {
  return {
    id: verificationName(row.id),
    status: row.state,
    external_id: row.externalId,
    callback_url: row.callbackUrl,
    metadata: row.metadata,
    created_at: row.createdAt,
    submitted_at: row.submittedAt,
  };
}

export function describeMedium(row: MediumRow) {
  return {
    id: row.id,
    type: row.type,
    side: row.side,
    document: row.document,
    content_type: row.contentType,
    bytes: row.bytes,
    sha256: row.sha256,
    created_at: row.createdAt,
    deleted_at: row.deletedAt,
  };
}

async function describeAcceptance(deps: DescribeVerificationDeps, tenantId: string, row: AcceptanceRow) {
  const token = consentToken(row.consentId);
  const consent = await deps.findConsent(tenantId, token);
  if (consent === null) throw new Error(`acceptance ${row.consentId} has no consent record`);
  const { status, proofHash, origin } = await deps.describeConsent(tenantId, consent);
  return {
    version_id: row.versionNumber,
    version: row.version,
    accepted_at: row.acceptedAt,
    proof_hash: proofHash,
    status,
    consent_token: token,
    origin,
  };
}
