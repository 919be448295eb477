import { writeAudit } from "../audit/writeAudit.ts";
import { eq } from "../db/drizzle.ts";
import { tenants } from "../db/tenants.ts";
import { webhooks } from "../db/webhooks.ts";
import { ConflictError, UnavailableError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { CheckTarget } from "../outbound/checkTarget.ts";
import type { SecretBox } from "../secrets/secretBox.ts";
import type { VerbArgs } from "../verb.ts";
import { shownColumns } from "./listWebhooks.ts";
import { generateWebhookSecret, sealWebhookSecret } from "./webhookSecret.ts";
import type { CreateWebhookInput } from "./wire.ts";

/** Every event is delivered once for each. */
const WEBHOOKS_MAX = 20;

export type WebhookSettings = {
  checkTarget: CheckTarget;
  /** Null when no secret is configured. */
  secretBox: SecretBox | null;
};

/** @throws {UnavailableError} without a secret to seal with: a webhook that cannot be signed for is not made. */
export function requireSecretBox({ secretBox }: WebhookSettings): SecretBox {
  if (secretBox !== null) return secretBox;
  throw new UnavailableError("Webhooks are not configured on this server");
}

/** Creates a webhook and answers its secret, this once (HA-10). */
export async function createWebhook({
  ctx,
  input,
  settings,
}: VerbArgs<CreateWebhookInput> & { settings: WebhookSettings }) {
  const box = requireSecretBox(settings);
  await settings.checkTarget(input.url);
  const { tenantId } = ctx.caller;
  const id = newId();
  const secret = input.secret ?? generateWebhookSecret();
  const now = ctx.clock();
  return ctx.db.orm.transaction(async (tx) => {
    // Creations of one tenant go one after another, so that none is beyond the limit.
    await tx.select().from(tenants).where(eq(tenants.id, tenantId)).for("no key update");
    if ((await tx.$count(webhooks, eq(webhooks.tenantId, tenantId))) >= WEBHOOKS_MAX)
      throw new ConflictError(`A tenant can have ${WEBHOOKS_MAX} webhooks; delete one first`);
    const [created] = await tx
      .insert(webhooks)
      .values({
        tenantId,
        id,
        url: input.url,
        events: input.events,
        secret: sealWebhookSecret(box, id, secret),
        status: "active",
        createdAt: now,
        updatedAt: now,
      })
      .returning(shownColumns);
    await writeAudit(tx, ctx, { resourceId: id, statusCode: 201 });
    return { ...created!, secret };
  });
}
