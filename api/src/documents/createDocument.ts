import { writeAudit } from "../audit/writeAudit.ts";
import { documents } from "../db/documents.ts";
import { eq } from "../db/drizzle.ts";
import { ConflictError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { VerbArgs } from "../verb.ts";
import { lockDocuments } from "./lockDocuments.ts";
import type { CreateDocumentInput } from "./wire.ts";

const DOCUMENTS_MAX = 1_000;

/** @throws {ConflictError} when the tenant has a document of this slug, or as many as one may have. */
export async function createDocument({ ctx, input }: VerbArgs<CreateDocumentInput>) {
  const { tenantId } = ctx.caller;
  return ctx.db.orm.transaction(async (tx) => {
    await lockDocuments(tx, tenantId);
    const [created] = await tx
      .insert(documents)
      .values({ tenantId, id: newId(), ...input, createdAt: ctx.clock() })
      .onConflictDoNothing()
      .returning();
    if (created === undefined)
      throw new ConflictError("There is a document with this slug", [
        { member: "slug", problem: "is taken by another document" },
      ]);
    if ((await tx.$count(documents, eq(documents.tenantId, tenantId))) > DOCUMENTS_MAX)
      throw new ConflictError(`A tenant can have ${DOCUMENTS_MAX} documents`);
    await writeAudit(tx, ctx, { resourceId: created.slug, statusCode: 201 });
    return created;
  });
}
