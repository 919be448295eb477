import { writeAudit } from "../audit/writeAudit.ts";
import { sql } from "../db/drizzle.ts";
import { webhooks } from "../db/webhooks.ts";
import { NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { requireSecretBox, type WebhookSettings } from "./createWebhook.ts";
import { shownColumns } from "./listWebhooks.ts";
import { isOwn } from "./ownWebhook.ts";
import { sealWebhookSecret } from "./webhookSecret.ts";
import type { UpdateWebhookInput } from "./wire.ts";

/**
 * Changes a webhook; attempts made from now on go by it. A disabled one gets nothing: what waits for it is dropped, deliveries
 * under way are cancelled by their next attempt. A changed URL begins with a clean record.
 */
export async function updateWebhook({
  ctx,
  input: { id, secret, ...changes },
  settings,
}: VerbArgs<UpdateWebhookInput & { id: string }> & { settings: WebhookSettings }) {
  const { tenantId } = ctx.caller;
  if (changes.url !== undefined) await settings.checkTarget(changes.url);
  const sealed =
    secret === undefined ? {} : { secret: sealWebhookSecret(requireSecretBox(settings), id, secret) };
  return ctx.db.orm.transaction(async (tx) => {
    const [webhook] = await tx
      .update(webhooks)
      .set({
        ...changes,
        ...sealed,
        ...(changes.url === undefined ? {} : { isFailing: false }),
        updatedAt: ctx.clock(),
      })
      .where(isOwn(tenantId, id))
      .returning(shownColumns);
    if (webhook === undefined) throw new NotFoundError("Webhook");
    if (webhook.status === "disabled")
      await tx.execute(
        sql`DELETE FROM app.webhook_outbox WHERE tenant_id = ${tenantId} AND webhook_id = ${id}`,
      );
    await writeAudit(tx, ctx, { resourceId: id, statusCode: 200 });
    return webhook;
  });
}
