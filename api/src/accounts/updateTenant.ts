import { writeAudit } from "../audit/writeAudit.ts";
import { eq } from "../db/drizzle.ts";
import { tenants } from "../db/tenants.ts";
import { NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import type { UpdateTenantInput } from "./wire.ts";

/** Changes a tenant's plan or status (HA-14); both hold from the next request on, in every process. */
export async function updateTenant({ ctx, input }: VerbArgs<UpdateTenantInput & { id: string }>) {
  const { id, ...changes } = input;
  return ctx.db.orm.transaction(async (tx) => {
    const [tenant] = await tx.update(tenants).set(changes).where(eq(tenants.id, id)).returning();
    if (tenant === undefined) throw new NotFoundError("Tenant");
    await writeAudit(tx, ctx, { resourceId: id, statusCode: 200 });
    return tenant;
  });
}
