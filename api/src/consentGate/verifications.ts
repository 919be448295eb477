import type { PoolClient } from "pg";
import type { JsonObject } from "../consents/newConsent.ts";
import { NotFoundError } from "../errors.ts";
import type { VerificationState } from "./state.ts";
import { verificationIdOf } from "./verificationId.ts";
import type { MediaFields } from "./wire.ts";

type Queryable = Pick<PoolClient, "query">;

export type VerificationRow = {
  tenantId: string;
  id: string;
  apiKeyId: string;
  state: VerificationState;
  externalId: string | null;
  callbackUrl: string | null;
  metadata: JsonObject | null;
  createdAt: Date;
  submittedAt: Date | null;
};
export type AcceptanceRow = {
  versionNumber: number;
  version: string;
  /** Hex. */
  textSha256: string;
  consentId: string;
  acceptedAt: Date;
};
export type MediumRow = {
  id: string;
  state: "storing" | "stored" | "deleting" | "deleted" | "abandoned";
  type: MediaFields["type"];
  side: "front" | "back" | null;
  document: string | null;
  contentType: string;
  bytes: number;
  /** Hex. */
  sha256: string;
  createdAt: Date;
  deletedAt: Date | null;
};

const COLUMNS = `tenant_id AS "tenantId", id, api_key_id AS "apiKeyId", state, external_id AS "externalId",
  callback_url AS "callbackUrl", metadata, created_at AS "createdAt", submitted_at AS "submittedAt"`;

/**
 * The tenant's verification of this name; locked until the transaction ends when `lock` is set, so that its moves come one after the other.
 * @throws {NotFoundError} also for another tenant's.
 */
export async function getVerification(
  tx: Queryable,
  tenantId: string,
  name: string,
  { lock = false }: { lock?: boolean } = {},
): Promise<VerificationRow> {
  const id = verificationIdOf(name);
  if (id === null) throw new NotFoundError("Verification");
  const { rows } = await tx.query<VerificationRow>(
    `SELECT ${COLUMNS} FROM app.verifications WHERE tenant_id = $1 AND id = $2${lock ? " FOR UPDATE" : ""}`,
    [tenantId, id],
  );
  if (rows[0] === undefined) throw new NotFoundError("Verification");
  return rows[0];
}

const ACCEPTANCES = `
  SELECT version_number AS "versionNumber", version, encode(text_sha256, 'hex') AS "textSha256", consent_id AS "consentId",
         accepted_at AS "acceptedAt"
  FROM app.gate_acceptances WHERE tenant_id = $1 AND verification_id = $2 ORDER BY consent_id`;

/** What was accepted, the oldest first. */
export async function listAcceptances(
  tx: Queryable,
  { tenantId, id }: Pick<VerificationRow, "tenantId" | "id">,
): Promise<AcceptanceRow[]> {
  return (await tx.query<AcceptanceRow>(ACCEPTANCES, [tenantId, id])).rows;
}

const MEDIA = `
  SELECT id, state, type, side, document, content_type AS "contentType", bytes, encode(sha256, 'hex') AS sha256,
         created_at AS "createdAt", deleted_at AS "deletedAt"
  FROM app.verification_media
  WHERE tenant_id = $1 AND verification_id = $2 AND state IN ('stored', 'deleting', 'deleted') ORDER BY id`;

/** All media whose upload was accepted, the oldest first; those whose bytes are deleted too. */
export async function listMedia(
  tx: Queryable,
  { tenantId, id }: Pick<VerificationRow, "tenantId" | "id">,
): Promise<MediumRow[]> {
  return (await tx.query<MediumRow>(MEDIA, [tenantId, id])).rows;
}

export type CallbackState = {
  status: "pending" | "delivered" | "dead" | "cancelled";
  attempts: number;
  attempted_at: Date | null;
  http_status: number | null;
  error: string | null;
};

const CALLBACK = `
  SELECT status, attempt AS attempts, attempted_at, http_status, error FROM app.gate_callbacks
  WHERE tenant_id = $1 AND verification_id = $2 ORDER BY id DESC LIMIT 1`;

/** What became of the call to `callback_url`; null before there is one. */
export async function findCallback(
  tx: Queryable,
  { tenantId, id }: Pick<VerificationRow, "tenantId" | "id">,
): Promise<CallbackState | null> {
  return (await tx.query<CallbackState>(CALLBACK, [tenantId, id])).rows[0] ?? null;
}
