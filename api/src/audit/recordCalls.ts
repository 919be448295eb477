import { arrayLiteral } from "../db/arrayLiteral.ts";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";

export type CallRecord = {
  tenantId: string;
  apiKeyId: string | null;
  requestId: string;
  action: string;
  resourceType: string;
  resourceId: string | null;
  ipAddress: string;
  statusCode: number;
  createdAt: Date;
};

// These rows tell of answers that stored nothing, so their commit need not wait for the disk: they outlive a crash of ours, and
// of the server all but the last moments. A request whose own transaction has left the row already is left as it is.
const RECORD = `
  WITH setting AS (SELECT set_config('synchronous_commit', 'off', true))
  INSERT INTO app.audit_logs (tenant_id, api_key_id, request_id, action, resource_type, resource_id, ip_address, status_code, created_at)
  SELECT call.* FROM setting,
    unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::smallint[], $9::timestamptz[]) AS call
  ON CONFLICT DO NOTHING`;

/** Leaves the audit rows of calls that wrote none themselves: reads, and whatever was refused (HA-15). */
export function createCallRecorder({ pool }: Database): (call: CallRecord) => Promise<void> {
  return groupCalls(
    async (calls: CallRecord[]) => {
      const values = [
        arrayLiteral(calls.map(({ tenantId }) => tenantId)),
        arrayLiteral(calls.map(({ apiKeyId }) => apiKeyId)),
        arrayLiteral(calls.map(({ requestId }) => requestId)),
        calls.map(({ action }) => action),
        calls.map(({ resourceType }) => resourceType),
        calls.map(({ resourceId }) => resourceId),
        calls.map(({ ipAddress }) => ipAddress),
        arrayLiteral(calls.map(({ statusCode }) => statusCode)),
        calls.map(({ createdAt }) => createdAt),
      ];
      await pool.query({ name: "record-calls", text: RECORD, values });
      return calls.map(() => undefined);
    },
    { weightMax: 1_000, concurrencyMax: 1 },
  );
}
