import { deviceKeys } from "../db/devices.ts";
import { and, desc, eq } from "../db/drizzle.ts";
import { NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { toHexDigits } from "./deviceKey.ts";
import type { FindDevice } from "./findDevice.ts";

/** The key a device signs with, or signed with last, and every key it had with its validity, the newest first (HA-19). */
export async function listDeviceKeys(findDevice: FindDevice, { ctx, input }: VerbArgs<{ name: string }>) {
  const { tenantId } = ctx.caller;
  const device = await findDevice({ tenantId, name: input.name });
  if (device === null) throw new NotFoundError("Device");
  const keys = await ctx.db.orm
    .select()
    .from(deviceKeys)
    .where(and(eq(deviceKeys.tenantId, tenantId), eq(deviceKeys.deviceId, device.id)))
    .orderBy(desc(deviceKeys.id));
  return {
    id: device.id,
    deviceId: device.name,
    algorithm: device.algorithm,
    status: device.revoked_at === null ? "active" : "revoked",
    publicKey: toHexDigits(device.public_key),
    keys: keys.map(({ algorithm, publicKey, validFrom, validUntil }) => ({
      algorithm,
      publicKey: toHexDigits(publicKey),
      validFrom,
      validUntil,
    })),
  };
}
