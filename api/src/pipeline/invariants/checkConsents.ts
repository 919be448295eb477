import type { PoolClient } from "pg";
import { recordDigest } from "#protocol/consentRecord.ts";
import { nodeCodec, type OpenedRecord, openRecord } from "../../consents/sealRecord.ts";
import type { Report } from "./violation.ts";

/** Consents that one statement looks at. */
const RANGE_ROWS = 2_000;

// Beside each record its submission, and the record that it names as the one before: digests lead to records over submissions.
const RANGE = `
  SELECT c.tenant_id, c.id, encode(c.record_digest, 'hex') AS record_digest, c.lasting, c.personal, c.personal_digests,
         encode(c.previous_digest, 'hex') AS previous_digest, s.id IS NOT NULL AS is_submitted,
         CASE WHEN c.previous_digest IS NULL THEN coalesce(c.thread_position, 1) = 1
              ELSE p.id IS NOT NULL AND p.seq < c.seq AND p.created_at <= c.created_at
                AND ROW(p.person_digest, p.thread_digest, p.thread_position + 1)
                    IS NOT DISTINCT FROM ROW(c.person_digest, c.thread_digest, c.thread_position) END AS continues
  FROM app.consents c
  LEFT JOIN app.submissions s ON s.content_hash = c.record_digest AND s.tenant_id = c.tenant_id AND s.id = c.id
  LEFT JOIN app.submissions before ON before.content_hash = c.previous_digest AND before.tenant_id = c.tenant_id
  LEFT JOIN app.consents p ON p.tenant_id = c.tenant_id AND p.id = before.id
  WHERE (c.tenant_id, c.id) > ($1, $2) ORDER BY c.tenant_id, c.id LIMIT ${RANGE_ROWS}`;

// What stands in no thread, and never did, may be followed by several withdrawals.
const FORKS = `
  SELECT encode(previous_digest, 'hex') AS previous_digest, count(*) AS records
  FROM app.consents WHERE previous_digest IS NOT NULL AND (thread_digest IS NOT NULL OR erased_by IS NOT NULL)
  GROUP BY tenant_id, previous_digest HAVING count(*) > 1`;

type Row = {
  tenant_id: string;
  id: string;
  record_digest: string;
  lasting: string;
  personal: string | null;
  personal_digests: string | null;
  previous_digest: string | null;
  is_submitted: boolean;
  continues: boolean;
};

/** Looks at every consent: its submission, its digest, its place in its thread (protocol §7). */
export async function checkConsents(tx: PoolClient, report: Report): Promise<void> {
  const nil = "00000000-0000-0000-0000-000000000000";
  for (let after = { tenant_id: nil, id: nil }; ; ) {
    const { rows } = await tx.query<Row>(RANGE, [after.tenant_id, after.id]);
    for (const row of rows) checkConsent(row, report);
    if (rows.length < RANGE_ROWS) break;
    after = rows.at(-1)!;
  }
  const forks = await tx.query<{ previous_digest: string; records: number }>(FORKS);
  for (const { previous_digest, records } of forks.rows)
    report({
      kind: "threadBroken",
      contentHash: `0x${previous_digest}`,
      found: `${records} records continue this one`,
    });
}

function checkConsent(row: Row, report: Report): void {
  const contentHash = `0x${row.record_digest}` as const;
  const found = `consent ${row.id}`;
  if (!row.is_submitted) report({ kind: "consentUnsubmitted", contentHash, found });
  if (!row.continues) report({ kind: "threadBroken", contentHash, found });
  const record = opened(row);
  if (record === null || recordDigest(record.sd, nodeCodec) !== contentHash) {
    report({ kind: "recordDigestWrong", contentHash, found });
    return;
  }
  const previous = record.fields.find(({ name }) => name === "previous")?.value ?? null;
  if (previous !== (row.previous_digest && `sha256:${row.previous_digest}`))
    report({
      kind: "threadBroken",
      contentHash,
      found: `${found} discloses another record as the one before`,
    });
}

function opened({ lasting, personal, personal_digests }: Row): OpenedRecord | null {
  try {
    return openRecord({ lasting, personal, personalDigests: personal_digests });
  } catch {
    return null;
  }
}
