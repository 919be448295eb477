import type { PageInput } from "../accounts/wire.ts";
import type { VerbArgs } from "../verb.ts";
import { consentToken } from "./consentToken.ts";
import { proofHash } from "./describeConsent.ts";

type Row = { id: string; record_digest: string; created_at: Date; erased: number; total: number };

const LIST = `
  SELECT c.id, encode(c.record_digest, 'hex') AS record_digest, c.created_at,
         (SELECT count(*) FROM app.consents e WHERE e.tenant_id = c.tenant_id AND e.erased_by = c.id) AS erased
  FROM app.consents c WHERE c.tenant_id = $1 AND c.surface = 'erasure'
  ORDER BY c.id DESC LIMIT $2 OFFSET $3`;

/** The tenant's erasures, the newest first; whom they erased nobody knows any more. */
export async function listErasures({ ctx, input: { page, limit } }: VerbArgs<PageInput>) {
  const { pool } = ctx.db;
  const { tenantId } = ctx.caller;
  const { rows } = await pool.query<Row>(LIST, [tenantId, limit, (page - 1) * limit]);
  const counted = await pool.query<{ total: number }>(
    "SELECT count(*) AS total FROM app.consents WHERE tenant_id = $1 AND surface = 'erasure'",
    [tenantId],
  );
  return {
    data: rows.map((row) => ({
      erased: row.erased,
      consentToken: consentToken(row.id),
      proofHash: proofHash(row.record_digest),
      createdAt: row.created_at,
    })),
    pagination: { page, limit, total: counted.rows[0]!.total },
  };
}
