import { createHash, randomUUID } from "node:crypto";
import { writeAudit } from "../audit/writeAudit.ts";
import type { Orm } from "../db/client.ts";
import { documentVersions } from "../db/documents.ts";
import { sql } from "../db/drizzle.ts";
import { ConflictError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { activate } from "./activateVersion.ts";
import { type DocumentVersion, findDocumentVersion } from "./findDocumentVersion.ts";
import { getDocumentId } from "./getDocumentId.ts";
import { lockDocuments } from "./lockDocuments.ts";
import type { CreateVersionInput } from "./wire.ts";

/** Versions are kept for ever, and who may add some must not fill the disk. */
const TEXT_BYTES_MAX = 268_435_456;

/**
 * Adds a version, for ever: nothing of it changes but its status. With `activate` it is the one shown from the commit on.
 * @throws {NotFoundError} for a slug that the tenant has no document of.
 * @throws {ConflictError} when the document has this version in this language, or the tenant's texts are too many.
 */
export async function createVersion({
  ctx,
  input,
}: VerbArgs<CreateVersionInput & { slug: string }>): Promise<DocumentVersion> {
  const { tenantId } = ctx.caller;
  const now = ctx.clock();
  return ctx.db.orm.transaction(async (tx) => {
    const documentId = await getDocumentId(tx, tenantId, input.slug);
    const content = Buffer.from(input.text, "utf8");
    const [created] = await tx
      .insert(documentVersions)
      .values({
        tenantId,
        // Not newId: who knows it may read the text, so nothing of it may be guessed.
        id: randomUUID(),
        number: await nextNumber(tx, tenantId, content.length),
        documentId,
        version: input.version,
        language: input.language,
        content,
        textSha256: createHash("sha256").update(content).digest(),
        status: "draft",
        createdAt: now,
        effectiveAt: input.effective_at ?? null,
      })
      .onConflictDoNothing({
        target: [
          documentVersions.tenantId,
          documentVersions.documentId,
          documentVersions.language,
          documentVersions.version,
        ],
      })
      .returning({ id: documentVersions.id });
    if (created === undefined)
      throw new ConflictError("The document has this version in this language", [
        { member: "version", problem: "is taken by another text in this language" },
      ]);
    if (input.activate) await activate(tx, tenantId, { documentId, versionId: created.id, now });
    await writeAudit(tx, ctx, { resourceId: created.id, statusCode: 201 });
    return (await findDocumentVersion(tx, tenantId, created.id))!;
  });
}

/**
 * Numbers have no gaps and are given by one transaction of the tenant at a time, until it has ended.
 * @throws {ConflictError} when the tenant's texts would be more than is kept of one.
 */
async function nextNumber(tx: Orm, tenantId: string, bytes: number): Promise<number> {
  await lockDocuments(tx, tenantId);
  const { rows } = await tx.execute<{ next: number; bytes: string }>(
    sql`SELECT coalesce(max(number), 0) + 1 AS next, coalesce(sum(octet_length(content)), 0) AS bytes
        FROM app.document_versions WHERE tenant_id = ${tenantId}`,
  );
  const { next, bytes: kept } = rows[0]!;
  if (Number(kept) + bytes > TEXT_BYTES_MAX)
    throw new ConflictError(`All versions of a tenant together may hold ${TEXT_BYTES_MAX} bytes`);
  return next;
}
