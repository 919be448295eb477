import { writeAudit } from "../audit/writeAudit.ts";
import { sql } from "../db/drizzle.ts";
import { webhooks } from "../db/webhooks.ts";
import { NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { isOwn } from "./ownWebhook.ts";

/** Deletes a webhook with its deliveries and what waits for it; an attempt that is under way ends, and is not repeated. */
export async function deleteWebhook({ ctx, input: { id } }: VerbArgs<{ id: string }>): Promise<void> {
  const { tenantId } = ctx.caller;
  await ctx.db.orm.transaction(async (tx) => {
    const deleted = await tx.delete(webhooks).where(isOwn(tenantId, id)).returning({ id: webhooks.id });
    if (deleted.length === 0) throw new NotFoundError("Webhook");
    await tx.execute(
      sql`DELETE FROM app.webhook_outbox WHERE tenant_id = ${tenantId} AND webhook_id = ${id}`,
    );
    await writeAudit(tx, ctx, { resourceId: id, statusCode: 204 });
  });
}
