import { writeAudit } from "../audit/writeAudit.ts";
import type { Orm } from "../db/client.ts";
import { documents, documentVersions } from "../db/documents.ts";
import { and, eq } from "../db/drizzle.ts";
import { ConflictError, NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { mayBecome } from "./documentStatus.ts";
import { type DocumentVersion, findDocumentVersion } from "./findDocumentVersion.ts";
import { getDocumentId } from "./getDocumentId.ts";

/**
 * Makes a version the one that is shown in its language, in place of the one before; a repeat changes nothing.
 * @throws {NotFoundError} unless the tenant's document has this version.
 * @throws {ConflictError} for a retired one: what replaced it was shown since, so the same text comes again as a new version.
 */
export async function activateVersion({
  ctx,
  input: { slug, versionId },
}: VerbArgs<{ slug: string; versionId: string }>): Promise<DocumentVersion> {
  const { tenantId } = ctx.caller;
  return ctx.db.orm.transaction(async (tx) => {
    const documentId = await getDocumentId(tx, tenantId, slug);
    await activate(tx, tenantId, { documentId, versionId, now: ctx.clock() });
    await writeAudit(tx, ctx, { resourceId: versionId, statusCode: 200 });
    return (await findDocumentVersion(tx, tenantId, versionId))!;
  });
}

/** Activations of one document go one after the other, so that each retires what the one before has activated. */
export async function activate(
  tx: Orm,
  tenantId: string,
  { documentId, versionId, now }: { documentId: string; versionId: string; now: Date },
): Promise<void> {
  const ofDocument = and(
    eq(documentVersions.tenantId, tenantId),
    eq(documentVersions.documentId, documentId),
  );
  await tx
    .select({ id: documents.id })
    .from(documents)
    .where(and(eq(documents.tenantId, tenantId), eq(documents.id, documentId)))
    .for("update");
  const [version] = await tx
    .select({ status: documentVersions.status, language: documentVersions.language })
    .from(documentVersions)
    .where(and(ofDocument, eq(documentVersions.id, versionId)));
  if (version === undefined) throw new NotFoundError("Document version");
  if (version.status === "active") return;
  if (!mayBecome(version.status, "active"))
    throw new ConflictError("A retired version cannot become active again; create a new one");
  await tx
    .update(documentVersions)
    .set({ status: "retired", retiredAt: now })
    .where(
      and(ofDocument, eq(documentVersions.language, version.language), eq(documentVersions.status, "active")),
    );
  await tx
    .update(documentVersions)
    .set({ status: "active", publishedAt: now })
    .where(and(ofDocument, eq(documentVersions.id, versionId)));
}
