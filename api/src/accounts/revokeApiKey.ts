import { writeAudit } from "../audit/writeAudit.ts";
import { apiKeySecrets } from "../db/apiKeySecrets.ts";
import { apiKeys } from "../db/apiKeys.ts";
import { and, eq } from "../db/drizzle.ts";
import type { VerbArgs } from "../verb.ts";
import { lockManagedKey } from "./lockManagedKey.ts";

/**
 * Revokes a key for good, and its secrets with it; a repeat changes nothing, the access version included, which makes every
 * process read its keys again. Others' keys, and those that may do all, are the operator's matter.
 */
export async function revokeApiKey({ ctx, input }: VerbArgs<{ id: string }>): Promise<void> {
  await ctx.db.orm.transaction(async (tx) => {
    const { id, tenantId, revokedAt } = await lockManagedKey(tx, ctx.caller, input.id);
    if (revokedAt === null) {
      await tx.update(apiKeys).set({ revokedAt: ctx.clock() }).where(eq(apiKeys.id, id));
      await tx
        .delete(apiKeySecrets)
        .where(and(eq(apiKeySecrets.tenantId, tenantId), eq(apiKeySecrets.apiKeyId, id)));
    }
    await writeAudit(tx, ctx, { resourceId: id, statusCode: 204 });
  });
}
