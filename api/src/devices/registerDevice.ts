import { writeAudit } from "../audit/writeAudit.ts";
import { deviceKeys, devices } from "../db/devices.ts";
import { ConflictError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { VerbArgs } from "../verb.ts";
import { parseDeviceKey, toHexDigits } from "./deviceKey.ts";
import type { RegisterDeviceInput } from "./wire.ts";

/** A new device with its first key (HA-19). Its deviceId is taken for good, also once it is revoked. */
export async function registerDevice({ ctx, input }: VerbArgs<RegisterDeviceInput>) {
  const { deviceId: name, algorithm, metadata = null } = input;
  const publicKey = parseDeviceKey(algorithm, input.publicKey);
  const { tenantId } = ctx.caller;
  const id = newId();
  const keyId = newId();
  const createdAt = ctx.clock();
  await ctx.db.orm.transaction(async (tx) => {
    // Of two that register one name at a time, the second waits for the first, and finds nothing to insert.
    const inserted = await tx
      .insert(devices)
      .values({ tenantId, id, name, keyId, metadata, createdAt })
      .onConflictDoNothing()
      .returning({ id: devices.id });
    if (inserted.length === 0) throw new ConflictError("Device already registered");
    await tx
      .insert(deviceKeys)
      .values({ tenantId, deviceId: id, id: keyId, algorithm, publicKey, validFrom: createdAt });
    await writeAudit(tx, ctx, { resourceId: name, statusCode: 201 });
  });
  return { id, deviceId: name, algorithm, status: "active" as const, publicKey: toHexDigits(publicKey) };
}
