import { and, eq, sql } from "drizzle-orm";
import { writeAudit } from "../audit/writeAudit.ts";
import { apiKeys } from "../db/apiKeys.ts";
import { NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { hasScope } from "./scope.ts";

/** Revokes a key for good; a repeat changes nothing. Others' keys are the operator's matter. */
export async function revokeApiKey({ ctx, input }: VerbArgs<{ id: string }>): Promise<void> {
  await ctx.db.orm.transaction(async (tx) => {
    const revoked = await tx
      .update(apiKeys)
      .set({ revokedAt: sql`coalesce(${apiKeys.revokedAt}, ${ctx.clock().toISOString()}::timestamptz)` })
      .where(
        and(
          eq(apiKeys.id, input.id),
          hasScope(ctx.caller, "admin") ? undefined : eq(apiKeys.tenantId, ctx.caller.tenantId),
        ),
      )
      .returning({ id: apiKeys.id });
    if (revoked.length === 0) throw new NotFoundError("API key");
    await writeAudit(tx, ctx, {
      resourceId: input.id,
      statusCode: 204,
    });
  });
}
