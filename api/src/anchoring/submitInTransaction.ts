import type { PoolClient } from "pg";
import { monthOf } from "../accounts/plan.ts";
import { newId } from "../newId.ts";

// As submitHashes.ts has it: a duplicate is free, and what goes over the plan fails as a whole.
const SUBMIT = `
  WITH inserted AS (
    INSERT INTO app.submissions (content_hash, tenant_id, id, chain_id, created_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (content_hash, tenant_id) DO NOTHING
    RETURNING tenant_id
  ), counted AS (
    INSERT INTO app.monthly_hashes AS month (tenant_id, month, hashes)
    SELECT tenant_id, $6::date, 1 FROM inserted
    ON CONFLICT (tenant_id, month) DO UPDATE SET hashes = month.hashes + 1
    RETURNING hashes
  )
  SELECT app.within_quota(hashes, coalesce($7::bigint, hashes)) FROM counted`;

/**
 * Submits one content hash in a transaction that stores more than that.
 * @param hashesMax of the month, null for a tenant without a plan. @throws an error of which `isOverQuota` tells.
 */
export async function submitInTransaction(
  tx: Pick<PoolClient, "query">,
  submission: {
    tenantId: string;
    contentHash: Uint8Array;
    chainId: number;
    now: Date;
    hashesMax: number | null;
  },
): Promise<void> {
  const { tenantId, contentHash, chainId, now, hashesMax } = submission;
  await tx.query(SUBMIT, [contentHash, tenantId, newId(), chainId, now, monthOf(now), hashesMax]);
}
