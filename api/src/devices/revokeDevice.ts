import { writeAudit } from "../audit/writeAudit.ts";
import { devices } from "../db/devices.ts";
import { and, eq } from "../db/drizzle.ts";
import type { VerbArgs } from "../verb.ts";
import { endCurrentKey, lockDevice } from "./lockDevice.ts";

/** Ends a device for good: nothing it signs is accepted from then on, and what it signed stays (HA-19). A repeat changes nothing. */
export async function revokeDevice({ ctx, input: { name } }: VerbArgs<{ name: string }>): Promise<void> {
  const { tenantId } = ctx.caller;
  await ctx.db.orm.transaction(async (tx) => {
    const device = await lockDevice(tx, { tenantId, name });
    if (device.revokedAt === null) {
      const revokedAt = await endCurrentKey(tx, device, ctx.clock());
      await tx
        .update(devices)
        .set({ revokedAt })
        .where(and(eq(devices.tenantId, tenantId), eq(devices.id, device.id)));
    }
    await writeAudit(tx, ctx, { resourceId: name, statusCode: 204 });
  });
}
