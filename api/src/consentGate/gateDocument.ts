import type { PoolClient } from "pg";
import { writeAudit } from "../audit/writeAudit.ts";
import { ormOf, withTransaction } from "../db/transaction.ts";
import { getDocumentId } from "../documents/getDocumentId.ts";
import type { VerbArgs } from "../verb.ts";

type Queryable = Pick<PoolClient, "query">;

/** The gate's document of a tenant that has set none (PA-1). */
const DEFAULT_SLUG = "consent";
/** The language whose version is shown when none is asked for, if there is one. */
const DEFAULT_LANGUAGE = "en";

export type GateVersion = {
  id: string;
  number: number;
  slug: string;
  version: string;
  language: string;
  /** Hex. */
  textSha256: string;
  status: "draft" | "active" | "retired";
};

const GATE_VERSIONS = `
  SELECT v.id, v.number, d.slug, v.version, v.language, encode(v.text_sha256, 'hex') AS "textSha256", v.status
  FROM app.documents d
  JOIN app.document_versions v ON v.tenant_id = d.tenant_id AND v.document_id = d.id
  WHERE d.tenant_id = $1
    AND d.slug = coalesce((SELECT slug FROM app.gate_documents WHERE tenant_id = $1), '${DEFAULT_SLUG}')`;

/** The active version of the gate's document: in the language asked for, else in English, else the one published last; null when there is none. */
export async function findActiveGateVersion(
  tx: Queryable,
  tenantId: string,
  language: string | null,
): Promise<GateVersion | null> {
  const { rows } = await tx.query<GateVersion>(
    `${GATE_VERSIONS} AND v.status = 'active' AND ($2::text IS NULL OR v.language = $2)
     ORDER BY v.language = '${DEFAULT_LANGUAGE}' DESC, v.published_at DESC, v.id DESC LIMIT 1`,
    [tenantId, language],
  );
  return rows[0] ?? null;
}

/** A version of the gate's document by its number; it stays as it is until the transaction ends. */
export async function findGateVersion(
  tx: Queryable,
  tenantId: string,
  number: number,
): Promise<GateVersion | null> {
  const { rows } = await tx.query<GateVersion>(`${GATE_VERSIONS} AND v.number = $2 FOR SHARE OF v`, [
    tenantId,
    number,
  ]);
  return rows[0] ?? null;
}

/** Makes a document the gate's. @throws {NotFoundError} */
export async function setGateDocument({ ctx, input: { slug } }: VerbArgs<{ slug: string }>): Promise<void> {
  const { tenantId } = ctx.caller;
  await withTransaction(ctx.db, async (tx) => {
    await getDocumentId(ormOf(tx), tenantId, slug);
    await tx.query(
      `INSERT INTO app.gate_documents (tenant_id, slug) VALUES ($1, $2)
       ON CONFLICT (tenant_id) DO UPDATE SET slug = excluded.slug`,
      [tenantId, slug],
    );
    await writeAudit(ormOf(tx), ctx, { resourceId: slug, statusCode: 200 });
  });
}
