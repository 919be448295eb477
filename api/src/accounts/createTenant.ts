import { writeAudit } from "../audit/writeAudit.ts";
import { tenants } from "../db/tenants.ts";
import { newId } from "../newId.ts";
import type { VerbArgs } from "../verb.ts";
import type { CreateTenantInput } from "./wire.ts";

export async function createTenant({ ctx, input }: VerbArgs<CreateTenantInput>) {
  return ctx.db.orm.transaction(async (tx) => {
    const [tenant] = await tx
      .insert(tenants)
      .values({
        id: newId(),
        name: input.name,
        contactEmail: input.contactEmail ?? null,
        plan: input.plan,
        createdAt: ctx.clock(),
      })
      .returning();
    await writeAudit(tx, ctx, {
      resourceId: tenant!.id,
      statusCode: 201,
    });
    return tenant!;
  });
}
