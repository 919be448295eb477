import type { Hex } from "#protocol/bytes.ts";
import { monthOf } from "../accounts/plan.ts";
import { arrayLiteral, byteaArrayLiteral } from "../db/arrayLiteral.ts";
import type { Database } from "../db/client.ts";

/** What a call would count, and what its tenant has counted this month. */
export type QuotaRoom = { used: number; fresh: number };

type Row = QuotaRoom & { current: boolean; call: number };

// All of one snapshot: what a call is refused for stood so at one moment, and a month's count never falls.
const READ = `
  WITH fresh AS (
    SELECT call, tenant_id, count(*) FILTER (WHERE s.id IS NULL) AS hashes
    FROM unnest($1::int[], $2::uuid[], $3::bytea[]) AS wanted (call, tenant_id, content_hash)
    LEFT JOIN app.submissions s USING (content_hash, tenant_id)
    GROUP BY call, tenant_id
  )
  SELECT EXISTS (SELECT FROM app.access_version WHERE version = $4) AS current,
         call, fresh.hashes AS fresh, coalesce(month.hashes, 0) AS used
  FROM fresh
  LEFT JOIN app.monthly_hashes month ON month.tenant_id = fresh.tenant_id AND month.month = $5::date
  ORDER BY call`;

/**
 * Asks for the room of calls that would likely not fit, so that they need not be tried: a try inserts rows and takes them back.
 * @param calls each with one hash or more; equal ones within a call count once.
 * @returns one per call, in their order; null when the access version is over.
 */
export async function readQuotaRoom(
  { pool }: Database,
  calls: { tenantId: string; contentHashes: Hex[] }[],
  { accessVersion, now }: { accessVersion: string; now: Date },
): Promise<QuotaRoom[] | null> {
  const wanted = calls.flatMap(({ tenantId, contentHashes }, call) =>
    [...new Set(contentHashes)].map((contentHash) => ({ call, tenantId, contentHash })),
  );
  const { rows } = await pool.query<Row>({
    name: "read-quota-room",
    text: READ,
    values: [
      arrayLiteral(wanted.map(({ call }) => call)),
      arrayLiteral(wanted.map(({ tenantId }) => tenantId)),
      byteaArrayLiteral(wanted.map(({ contentHash }) => contentHash.slice(2))),
      accessVersion,
      monthOf(now),
    ],
  });
  return rows[0]!.current ? rows : null;
}
