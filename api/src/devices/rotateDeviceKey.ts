import { writeAudit } from "../audit/writeAudit.ts";
import { deviceKeys, devices } from "../db/devices.ts";
import { and, eq } from "../db/drizzle.ts";
import { ConflictError, ForbiddenError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { VerbArgs } from "../verb.ts";
import { parseDeviceKey, toHexDigits } from "./deviceKey.ts";
import { endCurrentKey, lockDevice } from "./lockDevice.ts";
import type { RotateKeyInput } from "./wire.ts";

/** All keys of a device are told together. */
const KEYS_MAX = 1_000;

/**
 * Gives a device another key (HA-19): signatures by the one before are refused from then on. The key that it has already changes
 * nothing; one that it gave up never comes back, and a revoked device gets none.
 */
export async function rotateDeviceKey({ ctx, input }: VerbArgs<RotateKeyInput & { name: string }>) {
  const { tenantId } = ctx.caller;
  return ctx.db.orm.transaction(async (tx) => {
    const device = await lockDevice(tx, { tenantId, name: input.name });
    if (device.revokedAt !== null) throw new ForbiddenError("Device revoked");
    const algorithm = input.algorithm ?? device.current.algorithm;
    const publicKey = parseDeviceKey(algorithm, input.publicKey);
    const known = device.keys.find((key) => Buffer.from(key.publicKey).equals(publicKey));
    if (known !== undefined && known !== device.current)
      throw new ConflictError("The device has given up this key; it cannot have it again");
    if (known === undefined) {
      if (device.keys.length >= KEYS_MAX)
        throw new ConflictError(`A device has ${KEYS_MAX} keys in its life at most`);
      const validFrom = await endCurrentKey(tx, device, ctx.clock());
      const keyId = newId();
      await tx
        .insert(deviceKeys)
        .values({ tenantId, deviceId: device.id, id: keyId, algorithm, publicKey, validFrom });
      await tx
        .update(devices)
        .set({ keyId })
        .where(and(eq(devices.tenantId, tenantId), eq(devices.id, device.id)));
    }
    await writeAudit(tx, ctx, { resourceId: input.name, statusCode: 200 });
    return {
      id: device.id,
      deviceId: input.name,
      algorithm,
      status: "active" as const,
      publicKey: toHexDigits(publicKey),
    };
  });
}
