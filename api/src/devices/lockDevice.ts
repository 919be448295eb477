import type { Orm } from "../db/client.ts";
import { deviceKeys, devices } from "../db/devices.ts";
import { and, asc, eq } from "../db/drizzle.ts";
import { NotFoundError } from "../errors.ts";

type DeviceKey = typeof deviceKeys.$inferSelect;
/** `keys`: all that it ever had, the oldest first; `current`: that of now, or of its end. */
export type LockedDevice = typeof devices.$inferSelect & { keys: DeviceKey[]; current: DeviceKey };

/**
 * A tenant's device, held until the transaction ends: no submission by it is stored meanwhile (anchoring/signedSubmissions.ts).
 * @throws {NotFoundError}
 */
export async function lockDevice(
  tx: Pick<Orm, "select">,
  { tenantId, name }: { tenantId: string; name: string },
): Promise<LockedDevice> {
  const [device] = await tx
    .select()
    .from(devices)
    .where(and(eq(devices.tenantId, tenantId), eq(devices.name, name)))
    .for("update");
  if (device === undefined) throw new NotFoundError("Device");
  // A statement of its own, which sees what was committed while the lock was waited for.
  const keys = await tx
    .select()
    .from(deviceKeys)
    .where(and(eq(deviceKeys.tenantId, tenantId), eq(deviceKeys.deviceId, device.id)))
    .orderBy(asc(deviceKeys.id));
  return { ...device, keys, current: keys.find(({ id }) => id === device.keyId)! };
}

/**
 * Ends the current key's time, when the device gets another or comes to its end.
 * @returns since when: not before what the device has submitted, whatever the clocks of several hosts say.
 */
export async function endCurrentKey(
  tx: Pick<Orm, "update">,
  { tenantId, id, current, lastSubmittedAt }: LockedDevice,
  now: Date,
): Promise<Date> {
  const endsAt = new Date(
    Math.max(now.getTime(), current.validFrom.getTime(), lastSubmittedAt?.getTime() ?? 0),
  );
  await tx
    .update(deviceKeys)
    .set({ validUntil: endsAt })
    .where(
      and(eq(deviceKeys.tenantId, tenantId), eq(deviceKeys.deviceId, id), eq(deviceKeys.id, current.id)),
    );
  return endsAt;
}
