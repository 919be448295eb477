import { arrayLiteral } from "../db/arrayLiteral.ts";
import type { Database } from "../db/client.ts";
import type { Context } from "../verb.ts";

/** `language` as `canonicalLanguage` spells it. */
export type DocumentName = { tenantId: string; slug: string; language: string };

/** What remembered answers were made under; whatever else they depend on never changes. */
export type Versions = { access: string; documents: string };

/** A call that is answered from what is remembered under some versions, with the status that it gets if these still hold. */
export type ForeseenCall = { ctx: Omit<Context, "db">; statusCode: number };

export type ActiveRow = DocumentName & {
  id: string;
  title: string;
  version: string;
  content: Buffer;
  text_sha256: Buffer;
  published_at: Date;
  effective_at: Date;
};
type Row = { access_version: string; documents_version: string } & (
  | ActiveRow
  // The one row that stands for no document at all.
  | { tenantId: null }
);

// Both versions and the documents come from one snapshot; the versions also when there is no document to find. Audit rows of
// calls whose answer is foreseen go along, so that a poll takes one round trip; they are left as in audit/recordCalls.ts.
const READ = `
  WITH setting AS (
    SELECT set_config('synchronous_commit', 'off', true)
  ), versions AS (
    SELECT access.version AS access_version, state.version AS documents_version
    FROM app.access_version access CROSS JOIN app.documents_state state
  ), audited AS (
    INSERT INTO app.audit_logs (tenant_id, api_key_id, request_id, action, resource_type, resource_id, ip_address, status_code, created_at)
    SELECT call.*
    FROM setting, versions, unnest($6::uuid[], $7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::text[],
                                   $13::smallint[], $14::timestamptz[]) AS call
    WHERE versions.access_version = $4 AND versions.documents_version = $5
    ON CONFLICT DO NOTHING
  )
  SELECT versions.*, active.*
  FROM versions LEFT JOIN (
    SELECT d.tenant_id AS "tenantId", v.id, d.slug, d.title, v.version, v.language, v.content, v.text_sha256, v.published_at,
           coalesce(v.effective_at, v.published_at) AS effective_at
    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS wanted (tenant_id, slug, language)
    JOIN app.documents d ON d.tenant_id = wanted.tenant_id AND d.slug = wanted.slug
    JOIN app.document_versions v ON v.tenant_id = d.tenant_id AND v.document_id = d.id
                                AND v.language = wanted.language AND v.status = 'active'
  ) active ON true`;

/** Reads the active versions of some documents, and leaves the audit rows of `foreseen` when `assumed` holds. */
export async function readActiveDocuments(
  { pool }: Database,
  wanted: DocumentName[],
  assumed: Versions | null,
  foreseen: ForeseenCall[],
): Promise<{ versions: Versions; rows: ActiveRow[] }> {
  const { rows } = await pool.query<Row>({
    name: "read-active-documents",
    text: READ,
    values: [
      arrayLiteral(wanted.map(({ tenantId }) => tenantId)),
      wanted.map(({ slug }) => slug),
      wanted.map(({ language }) => language),
      assumed?.access ?? null,
      assumed?.documents ?? null,
      arrayLiteral(foreseen.map(({ ctx }) => ctx.caller.tenantId)),
      arrayLiteral(foreseen.map(({ ctx }) => ctx.caller.apiKeyId)),
      arrayLiteral(foreseen.map(({ ctx }) => ctx.requestId)),
      foreseen.map(({ ctx }) => ctx.call.action),
      foreseen.map(({ ctx }) => ctx.call.resourceType),
      foreseen.map(({ ctx }) => ctx.call.resourceId),
      foreseen.map(({ ctx }) => ctx.clientAddress),
      arrayLiteral(foreseen.map(({ statusCode }) => statusCode)),
      foreseen.map(({ ctx }) => ctx.clock()),
    ],
  });
  const { access_version: access, documents_version: documents } = rows[0]!;
  const versions = { access, documents };
  if (access === assumed?.access && documents === assumed.documents)
    for (const { ctx } of foreseen) ctx.call.isRecorded = true;
  return { versions, rows: rows.filter((row): row is Row & ActiveRow => row.tenantId !== null) };
}
