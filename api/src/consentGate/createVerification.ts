import { hash } from "node:crypto";
import { writeAudit } from "../audit/writeAudit.ts";
import { ormOf, withTransaction } from "../db/transaction.ts";
import { InvalidInputError } from "../errors.ts";
import type { IdempotentRequest } from "../http/idempotencyKey.ts";
import { newId } from "../newId.ts";
import type { CheckTarget } from "../outbound/checkTarget.ts";
import type { VerbArgs } from "../verb.ts";
import { describeRow } from "./describeVerification.ts";
import { verificationName } from "./verificationId.ts";
import type { VerificationRow } from "./verifications.ts";
import type { CreateVerificationInput } from "./wire.ts";

const INSERT = `
  INSERT INTO app.verifications (tenant_id, id, api_key_id, state, external_id, callback_url, metadata, created_at)
  VALUES ($1, $2, $3, 'created', $4, $5, $6, $7)`;

const KEEP = `
  INSERT INTO app.idempotency_keys (tenant_id, key_sha256, request_sha256, answer, created_at)
  VALUES ($1, decode($2, 'hex'), $3, $4, $5)`;

export type CreateVerification = VerbArgs<CreateVerificationInput> & {
  checkTarget: CheckTarget;
  /** Null for a request without an idempotency key. */
  request: IdempotentRequest | null;
};

/**
 * Opens a verification (PA-2). What is kept for a repeat is its name alone, which is nobody's.
 * @throws {InvalidInputError} for a callback's URL that must not be called.
 */
export async function createVerification({ ctx, input, checkTarget, request }: CreateVerification) {
  if (input.callback_url) await requireCallable(input.callback_url, checkTarget);
  const row: VerificationRow = {
    tenantId: ctx.caller.tenantId,
    id: newId(),
    // Who signs with a key's secret calls by a key.
    apiKeyId: ctx.caller.apiKeyId!,
    state: "created",
    externalId: input.external_id ?? null,
    callbackUrl: input.callback_url ?? null,
    metadata: input.metadata ?? null,
    createdAt: ctx.clock(),
    submittedAt: null,
  };
  await withTransaction(ctx.db, async (tx) => {
    await tx.query(INSERT, [
      row.tenantId,
      row.id,
      row.apiKeyId,
      row.externalId,
      row.callbackUrl,
      row.metadata && JSON.stringify(row.metadata),
      row.createdAt,
    ]);
    if (request !== null)
      await tx.query(KEEP, [
        row.tenantId,
        hash("sha256", request.key),
        request.requestSha256,
        verificationName(row.id),
        row.createdAt,
      ]);
    await writeAudit(ormOf(tx), ctx, { resourceId: verificationName(row.id), statusCode: 201 });
  });
  return { ...describeRow(row), consent: null, media: [], callback: null };
}

async function requireCallable(url: string, checkTarget: CheckTarget): Promise<void> {
  try {
    await checkTarget(url);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    const [about] = error.members;
    throw new InvalidInputError(error.message, [
      { member: "callback_url", problem: about!.problem.replace(/^.*?url: /, "") },
    ]);
  }
}
