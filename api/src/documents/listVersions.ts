import type { PageInput } from "../accounts/wire.ts";
import { documentVersions } from "../db/documents.ts";
import { and, eq } from "../db/drizzle.ts";
import type { VerbArgs } from "../verb.ts";
import { listVersionsOf } from "./findDocumentVersion.ts";
import { getDocumentId } from "./getDocumentId.ts";

/** A document's versions in all languages, the newest first. @throws {NotFoundError} */
export async function listVersions({ ctx, input }: VerbArgs<PageInput & { slug: string }>) {
  const { page, limit } = input;
  const { tenantId } = ctx.caller;
  const documentId = await getDocumentId(ctx.db.orm, tenantId, input.slug);
  const ofDocument = and(
    eq(documentVersions.tenantId, tenantId),
    eq(documentVersions.documentId, documentId),
  );
  const data = await listVersionsOf(ctx.db.orm, tenantId, documentId, { limit, offset: (page - 1) * limit });
  return { data, pagination: { page, limit, total: await ctx.db.orm.$count(documentVersions, ofDocument) } };
}
