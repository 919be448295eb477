import { asc, eq } from "../db/drizzle.ts";
import { webhooks } from "../db/webhooks.ts";
import type { Context } from "../verb.ts";

/** What is shown of a webhook: never its secret. */
export const shownColumns = {
  id: webhooks.id,
  url: webhooks.url,
  events: webhooks.events,
  status: webhooks.status,
  createdAt: webhooks.createdAt,
  updatedAt: webhooks.updatedAt,
};

/** The tenant's webhooks, the oldest first. */
export async function listWebhooks({ ctx }: { ctx: Context }) {
  const data = await ctx.db.orm
    .select(shownColumns)
    .from(webhooks)
    .where(eq(webhooks.tenantId, ctx.caller.tenantId))
    .orderBy(asc(webhooks.id));
  return { data };
}
