import { and, eq } from "drizzle-orm";
import { writeAudit } from "../audit/writeAudit.ts";
import { apiKeys } from "../db/apiKeys.ts";
import { ForbiddenError, NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { hasScope } from "./scope.ts";

/**
 * Revokes a key for good; a repeat changes nothing, the access version included, which makes every process read its keys again.
 * Others' keys, and those that may do all, are the operator's matter.
 */
export async function revokeApiKey({ ctx, input }: VerbArgs<{ id: string }>): Promise<void> {
  const isOperator = hasScope(ctx.caller, "admin");
  await ctx.db.orm.transaction(async (tx) => {
    const [key] = await tx
      .select({ scopes: apiKeys.scopes, revokedAt: apiKeys.revokedAt })
      .from(apiKeys)
      .where(
        and(eq(apiKeys.id, input.id), isOperator ? undefined : eq(apiKeys.tenantId, ctx.caller.tenantId)),
      );
    if (key === undefined) throw new NotFoundError("API key");
    if (!isOperator && hasScope(key, "admin"))
      throw new ForbiddenError("Only an admin key can revoke a key with the scope admin");
    if (key.revokedAt === null)
      await tx.update(apiKeys).set({ revokedAt: ctx.clock() }).where(eq(apiKeys.id, input.id));
    await writeAudit(tx, ctx, { resourceId: input.id, statusCode: 204 });
  });
}
