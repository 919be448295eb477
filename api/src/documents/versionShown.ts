import { arrayLiteral } from "../db/arrayLiteral.ts";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";
import type { DocumentStatus } from "./documentStatus.ts";
import { isVersionId } from "./findDocumentVersion.ts";

/** What a consent says of the version that was shown. `textSha256`: 64 hex digits. */
export type VersionShown = {
  id: string;
  slug: string;
  version: string;
  language: string;
  textSha256: string;
  status: DocumentStatus;
};

/** Null for a text that is no UUID, and for another tenant's version. */
export type FindVersionShown = (tenantId: string, versionId: string) => Promise<VersionShown | null>;

const FIND = `
  SELECT v.tenant_id AS "tenantId", v.id, d.slug, v.version, v.language, encode(v.text_sha256, 'hex') AS "textSha256", v.status
  FROM unnest($1::uuid[], $2::uuid[]) AS wanted (tenant_id, id)
  JOIN app.document_versions v USING (tenant_id, id)
  JOIN app.documents d ON d.tenant_id = v.tenant_id AND d.id = v.document_id`;

/** Finds versions as they are now; calls that wait together share a statement. */
export function createVersionFinder({ pool }: Database): FindVersionShown {
  const find = groupCalls(
    async (group: { tenantId: string; versionId: string }[]) => {
      const wanted = new Map(group.map((one) => [`${one.tenantId} ${one.versionId}`, one]));
      const { rows } = await pool.query<VersionShown & { tenantId: string }>({
        name: "find-document-versions",
        text: FIND,
        values: [
          arrayLiteral([...wanted.values()].map(({ tenantId }) => tenantId)),
          arrayLiteral([...wanted.values()].map(({ versionId }) => versionId)),
        ],
      });
      const found = new Map(rows.map(({ tenantId, ...shown }) => [`${tenantId} ${shown.id}`, shown]));
      return group.map(({ tenantId, versionId }) => found.get(`${tenantId} ${versionId}`) ?? null);
    },
    { weightMax: 1_000, concurrencyMax: 1 },
  );
  return async (tenantId, versionId) =>
    isVersionId(versionId) ? find({ tenantId, versionId: versionId.toLowerCase() }) : null;
}
