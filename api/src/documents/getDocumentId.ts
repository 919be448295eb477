import type { Database } from "../db/client.ts";
import { documents } from "../db/documents.ts";
import { and, eq } from "../db/drizzle.ts";
import { NotFoundError } from "../errors.ts";

/** @throws {NotFoundError} also for another tenant's document. */
export async function getDocumentId(
  orm: Pick<Database["orm"], "select">,
  tenantId: string,
  slug: string,
): Promise<string> {
  const [document] = await orm
    .select({ id: documents.id })
    .from(documents)
    .where(and(eq(documents.tenantId, tenantId), eq(documents.slug, slug)));
  if (document === undefined) throw new NotFoundError("Document");
  return document.id;
}
