import { smallestIdAt } from "../newId.ts";
import type { VerbArgs } from "../verb.ts";
import type { AuditQuery } from "./wire.ts";

type Row = {
  tenant_id: string;
  api_key_id: string | null;
  action: string;
  resource_type: string;
  resource_id: string | null;
  ip_address: string | null;
  request_id: string;
  status_code: number;
  created_at: Date;
};

/** Counting further would take longer than finding the page. */
const COUNTED_MAX = 1_000;
/** Rows are written after their request's id was made: longer than any request lasts; milliseconds. */
const REQUEST_LASTS_MS_MAX = 600_000;
/** As in migration 0003: rows that its index of rare actions leaves out. */
const FREQUENT_ACTIONS = ["hash.submit", "hash.submit_batch", "hash.query"];

/** Rows of the audit log across tenants, the newest first (HA-15). One index scan finds the page, whatever is asked, and one counts. */
export async function listAuditLogs({ ctx, input }: VerbArgs<AuditQuery>) {
  const { page, limit } = input;
  const { condition, values } = conditionOf(input);
  const { rows } = await ctx.db.pool.query<(Row | { request_id: null }) & { total: number }>(
    `WITH page AS (
       SELECT * FROM app.audit_logs WHERE ${condition} ORDER BY request_id DESC LIMIT $1 OFFSET $2
     )
     SELECT counted.total, page.* FROM (
       SELECT count(*) AS total FROM (
         SELECT FROM app.audit_logs WHERE ${condition} ORDER BY request_id DESC LIMIT ${COUNTED_MAX}
       ) AS newest
     ) AS counted LEFT JOIN page ON true ORDER BY request_id DESC`,
    [limit + 1, (page - 1) * limit, ...values],
  );
  const found = rows.filter((row) => row.request_id !== null);
  return {
    data: found.slice(0, limit).map(toAnswer),
    pagination: { page, limit, total: rows[0]!.total, hasMore: found.length > limit },
  };
}

/** SQL over the parameters from $3 on. */
function conditionOf({ tenantId, action, from, to }: AuditQuery) {
  const values: unknown[] = [];
  const place = (value: unknown) => `$${values.push(value) + 2}`;
  const conditions = ["true"];
  if (tenantId !== undefined) conditions.push(`tenant_id = ${place(tenantId)}`);
  if (action !== undefined) {
    conditions.push(`action = ${place(action)}`);
    if (!FREQUENT_ACTIONS.includes(action))
      conditions.push(`action <> ALL ('{${FREQUENT_ACTIONS.join(",")}}')`);
  }
  if (from !== undefined)
    conditions.push(
      `created_at >= ${place(from)}`,
      `request_id >= ${place(smallestIdAt(from.getTime() - REQUEST_LASTS_MS_MAX))}`,
    );
  if (to !== undefined)
    conditions.push(`created_at <= ${place(to)}`, `request_id <= ${place(smallestIdAt(to.getTime() + 1))}`);
  return { condition: conditions.join(" AND "), values };
}

function toAnswer(row: Row) {
  return {
    tenantId: row.tenant_id,
    apiKeyId: row.api_key_id,
    action: row.action,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    ipAddress: row.ip_address,
    requestId: row.request_id,
    statusCode: row.status_code,
    createdAt: row.created_at.toISOString(),
  };
}
