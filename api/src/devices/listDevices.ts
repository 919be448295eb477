import { deviceKeys, devices } from "../db/devices.ts";
import { and, asc, eq } from "../db/drizzle.ts";
import type { VerbArgs } from "../verb.ts";
import { toHexDigits } from "./deviceKey.ts";
import type { WindowInput } from "./wire.ts";

/** A tenant's devices in the order of registration, revoked ones included (HA-19). */
export async function listDevices({ ctx, input: { limit, offset } }: VerbArgs<WindowInput>) {
  const isOwn = eq(devices.tenantId, ctx.caller.tenantId);
  const rows = await ctx.db.orm
    .select()
    .from(devices)
    .innerJoin(
      deviceKeys,
      and(
        eq(deviceKeys.tenantId, devices.tenantId),
        eq(deviceKeys.deviceId, devices.id),
        eq(deviceKeys.id, devices.keyId),
      ),
    )
    .where(isOwn)
    .orderBy(asc(devices.id))
    .limit(limit)
    .offset(offset);
  const total = await ctx.db.orm.$count(devices, isOwn);
  return { data: rows.map(toAnswer), pagination: { limit, offset, total } };
}

type Row = { devices: typeof devices.$inferSelect; device_keys: typeof deviceKeys.$inferSelect };

function toAnswer({ devices: device, device_keys: { algorithm, publicKey } }: Row) {
  const { id, name, revokedAt, metadata, submissions, lastSubmittedAt, createdAt } = device;
  return {
    id,
    deviceId: name,
    algorithm,
    status: revokedAt === null ? "active" : "revoked",
    publicKey: toHexDigits(publicKey),
    metadata,
    submissions,
    lastSubmittedAt,
    createdAt,
    revokedAt,
  };
}
