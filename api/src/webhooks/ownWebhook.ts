import type { Orm } from "../db/client.ts";
import { and, eq } from "../db/drizzle.ts";
import { webhooks } from "../db/webhooks.ts";
import { ConflictError, NotFoundError } from "../errors.ts";

/** The condition that finds a webhook of the tenant and no other's. */
export function isOwn(tenantId: string, id: string) {
  return and(eq(webhooks.tenantId, tenantId), eq(webhooks.id, id));
}

/** @param keep whether it must still be there when the caller's transaction ends. @throws {NotFoundError} for another tenant's too. */
export async function requireOwnWebhook(
  tx: Pick<Orm, "select">,
  tenantId: string,
  id: string,
  keep: boolean,
): Promise<{ status: "active" | "disabled" }> {
  const query = tx.select({ status: webhooks.status }).from(webhooks).where(isOwn(tenantId, id));
  const [webhook] = await (keep ? query.for("key share") : query);
  if (webhook === undefined) throw new NotFoundError("Webhook");
  return webhook;
}

/** @throws {ConflictError} for a disabled one: it gets nothing. */
export function requireActive({ status }: { status: "active" | "disabled" }): void {
  if (status === "disabled") throw new ConflictError("The webhook is disabled");
}
