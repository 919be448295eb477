import { writeAudit } from "../audit/writeAudit.ts";
import { apiKeySecrets } from "../db/apiKeySecrets.ts";
import { and, eq } from "../db/drizzle.ts";
import { NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { lockManagedKey } from "./lockManagedKey.ts";

/** Deletes a key's secret for good; no process signs or verifies with it from the next request on. */
export async function deleteKeySecret({ ctx, input }: VerbArgs<{ apiKeyId: string; secretId: string }>) {
  await ctx.db.orm.transaction(async (tx) => {
    const key = await lockManagedKey(tx, ctx.caller, input.apiKeyId);
    const deleted = await tx
      .delete(apiKeySecrets)
      .where(
        and(
          eq(apiKeySecrets.tenantId, key.tenantId),
          eq(apiKeySecrets.apiKeyId, key.id),
          eq(apiKeySecrets.id, input.secretId),
        ),
      )
      .returning({ id: apiKeySecrets.id });
    if (deleted.length === 0) throw new NotFoundError("HMAC secret");
    await writeAudit(tx, ctx, { resourceId: key.id, statusCode: 204 });
  });
}
