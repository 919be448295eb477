import type { Orm } from "../db/client.ts";
import { sql } from "../db/drizzle.ts";

/** One transaction of a tenant at a time adds documents and versions, until it has ended: they are numbered and counted. */
export async function lockDocuments(tx: Orm, tenantId: string): Promise<void> {
  await tx.execute(
    sql`SELECT pg_advisory_xact_lock(hashtextextended(${`holdfast.documents.${tenantId}`}, 0))`,
  );
}
