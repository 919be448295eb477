import { eq, sql } from "drizzle-orm";
import { writeAudit } from "../audit/writeAudit.ts";
import { apiKeys } from "../db/apiKeys.ts";
import { NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";

/** Revokes a key for good; a repeat changes nothing. */
export async function revokeApiKey({ ctx, input }: VerbArgs<{ id: string }>): Promise<void> {
  await ctx.db.orm.transaction(async (tx) => {
    const revoked = await tx
      .update(apiKeys)
      .set({ revokedAt: sql`coalesce(${apiKeys.revokedAt}, ${ctx.clock().toISOString()}::timestamptz)` })
      .where(eq(apiKeys.id, input.id))
      .returning({ id: apiKeys.id });
    if (revoked.length === 0) throw new NotFoundError("API key");
    await writeAudit(tx, ctx, {
      resourceId: input.id,
      statusCode: 204,
    });
  });
}
