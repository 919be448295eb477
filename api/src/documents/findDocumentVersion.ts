import type { Database } from "../db/client.ts";
import { documents, documentVersions } from "../db/documents.ts";
import { and, desc, eq, type SQL } from "../db/drizzle.ts";
import type { DocumentStatus } from "./documentStatus.ts";

/** A version without its text, which is large, and which records name by its digest. */
export type DocumentVersion = {
  id: string;
  /** Counts the tenant's versions from 1; the consent gate's id (PA-1). */
  number: number;
  slug: string;
  title: string;
  version: string;
  /** BCP 47, canonical. */
  language: string;
  /** 32 bytes: SHA-256 of the UTF-8 bytes at the version's url. */
  textSha256: Uint8Array;
  status: DocumentStatus;
  createdAt: Date;
  /** When it became active. */
  publishedAt: Date | null;
  /** As given, else when it was published. */
  effectiveAt: Date | null;
  retiredAt: Date | null;
};

type Reader = Pick<Database["orm"], "select">;

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export function isVersionId(text: string): boolean {
  return UUID.test(text);
}

const shown = {
  id: documentVersions.id,
  number: documentVersions.number,
  slug: documents.slug,
  title: documents.title,
  version: documentVersions.version,
  language: documentVersions.language,
  textSha256: documentVersions.textSha256,
  status: documentVersions.status,
  createdAt: documentVersions.createdAt,
  publishedAt: documentVersions.publishedAt,
  effectiveAt: documentVersions.effectiveAt,
  retiredAt: documentVersions.retiredAt,
};

/** The tenant's version of this id, whatever its status; null for a text that is no UUID, and for another tenant's. */
export async function findDocumentVersion(
  orm: Reader,
  tenantId: string,
  versionId: string,
): Promise<DocumentVersion | null> {
  if (!isVersionId(versionId)) return null;
  const found = await select(orm, tenantId, eq(documentVersions.id, versionId));
  return found[0] ?? null;
}

type Page = { limit: number; offset: number };

/** Versions of a document, the newest first. */
export function listVersionsOf(
  orm: Reader,
  tenantId: string,
  documentId: string,
  page: Page,
): Promise<DocumentVersion[]> {
  return select(orm, tenantId, eq(documents.id, documentId), page);
}

async function select(
  orm: Reader,
  tenantId: string,
  condition: SQL | undefined,
  { limit, offset }: Page = { limit: 1, offset: 0 },
): Promise<DocumentVersion[]> {
  const rows = await orm
    .select(shown)
    .from(documentVersions)
    .innerJoin(
      documents,
      and(eq(documents.tenantId, documentVersions.tenantId), eq(documents.id, documentVersions.documentId)),
    )
    .where(and(eq(documentVersions.tenantId, tenantId), condition))
    .orderBy(desc(documentVersions.number))
    .limit(limit)
    .offset(offset);
  return rows.map((row) => ({ ...row, effectiveAt: row.effectiveAt ?? row.publishedAt }));
}
