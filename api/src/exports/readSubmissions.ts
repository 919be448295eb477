import type { Hex } from "#protocol/bytes.ts";
import type { Database } from "../db/client.ts";
import { smallestIdAt } from "../newId.ts";

/** What an export takes of a tenant's hashes. */
export type Selection = {
  tenantId: string;
  createdFrom: Date | null;
  /** Exclusive. */
  createdBefore: Date | null;
};

/** Texts as a file holds them: the database makes them faster than we do. */
export type SubmissionRow = {
  id: string;
  hash: Hex;
  external_id: string | null;
  /** ISO 8601, UTC, milliseconds. */
  created_at: string;
  batch_id: string | null;
  leaf_index: number | null;
};

/** An id is made when its hash is accepted; so far apart may the two times be when a clock is set. Milliseconds. */
const CLOCK_STEP_MS_MAX = 86_400_000;

const LAST_SEALED = `
  SELECT id FROM app.submissions WHERE tenant_id = $1 AND batch_id IS NOT NULL ORDER BY id DESC LIMIT 1`;
const pendingAtThe = (end: "ASC" | "DESC") => `
  SELECT s.id FROM app.chains c CROSS JOIN LATERAL (
    SELECT id FROM app.submissions WHERE chain_id = c.chain_id AND batch_id IS NULL AND tenant_id = $1 ORDER BY id ${end} LIMIT 1
  ) s ORDER BY s.id ${end} LIMIT 1`;
const BOUNDS = `SELECT (${pendingAtThe("ASC")}) AS first_pending, greatest((${LAST_SEALED}), (${pendingAtThe("DESC")})) AS last`;

const COLUMNS = `s.id, '0x' || encode(s.content_hash, 'hex') AS hash, s.external_id, s.batch_id, s.leaf_index,
    to_char(s.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS created_at`;
const WANTED = `s.tenant_id = $1 AND s.id > $2 AND s.id <= least($3::uuid, $7::uuid)
    AND ($4::timestamptz IS NULL OR s.created_at >= $4) AND ($5::timestamptz IS NULL OR s.created_at < $5)`;
const SEALED = `SELECT ${COLUMNS} FROM app.submissions s WHERE ${WANTED} AND s.batch_id IS NOT NULL ORDER BY s.id LIMIT $6`;
// Both in one statement, so that a hash which is sealed at this moment is found in one place, and not in two or none.
const SEALED_OR_PENDING = `
  (${SEALED})
  UNION ALL
  (SELECT pending.* FROM app.chains c CROSS JOIN LATERAL (
    SELECT ${COLUMNS} FROM app.submissions s WHERE s.chain_id = c.chain_id AND ${WANTED} AND s.batch_id IS NULL ORDER BY s.id LIMIT $6
  ) pending)
  ORDER BY id LIMIT $6`;

/**
 * A tenant's hashes in the order of their ids, a page at a time. Each page is a statement of its own, so that no snapshot is held
 * open; each hash comes once, as it was when its page was read, and none is missed that was accepted before the first was asked for.
 */
export async function* readSubmissions(
  { pool }: Pick<Database, "pool">,
  { tenantId, createdFrom, createdBefore }: Selection,
  rowsPerPage: number,
): AsyncGenerator<SubmissionRow[]> {
  const bounds = await pool.query<{ first_pending: string | null; last: string | null }>(BOUNDS, [tenantId]);
  const { first_pending: firstPending, last } = bounds.rows[0]!;
  if (last === null) return;
  // Hashes do not leave their batches: what was accepted before now and lies before the first that waits is sealed for good.
  const stretches =
    firstPending === null
      ? [{ select: SEALED, until: last }]
      : [
          { select: SEALED, until: firstPending },
          { select: SEALED_OR_PENDING, until: last },
        ];
  const latest = createdBefore === null ? last : smallestIdAt(createdBefore.getTime() + CLOCK_STEP_MS_MAX);
  let after = smallestIdAt(createdFrom === null ? 0 : createdFrom.getTime() - CLOCK_STEP_MS_MAX);
  for (const { select, until } of stretches) {
    for (let isLast = false; !isLast; ) {
      // Not by name: a plan for any values may read and sort all that is left for every page.
      const values = [tenantId, after, until, createdFrom, createdBefore, rowsPerPage, latest];
      const { rows } = await pool.query<SubmissionRow>(select, values);
      after = rows.at(-1)?.id ?? after;
      isLast = rows.length < rowsPerPage;
      if (rows.length > 0) yield rows;
    }
  }
}
