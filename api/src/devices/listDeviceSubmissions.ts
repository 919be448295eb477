import type { DeviceAlgorithm } from "#protocol/deviceSignature.ts";
import type { ReadOwnStatuses } from "../anchoring/ownStatuses.ts";
import { NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { toHexDigits } from "./deviceKey.ts";
import type { FindDevice } from "./findDevice.ts";
import type { WindowInput } from "./wire.ts";

type Row = {
  content_hash: Buffer;
  signature: Buffer;
  metadata: Record<string, unknown> | null;
  created_at: Date;
  algorithm: DeviceAlgorithm;
  public_key: Buffer;
};

const NEWEST = `
  SELECT signed.content_hash, signed.signature, signed.metadata, signed.created_at, key.algorithm, key.public_key
  FROM app.device_submissions signed
  JOIN app.device_keys key ON key.tenant_id = signed.tenant_id AND key.device_id = signed.device_id AND key.id = signed.key_id
  WHERE signed.tenant_id = $1 AND signed.device_id = $2
  ORDER BY signed.id DESC LIMIT $3 OFFSET $4`;

export type DeviceHistoryDeps = { findDevice: FindDevice; readOwnStatuses: ReadOwnStatuses };

/** What a device has signed, each hash once, the newest first, with the proof of it and what became of it (HA-19). */
export async function listDeviceSubmissions(
  { findDevice, readOwnStatuses }: DeviceHistoryDeps,
  { ctx, input }: VerbArgs<WindowInput & { name: string }>,
) {
  const { tenantId } = ctx.caller;
  const { name, limit, offset } = input;
  const device = await findDevice({ tenantId, name });
  if (device === null) throw new NotFoundError("Device");
  const { rows } = await ctx.db.pool.query<Row>(NEWEST, [tenantId, device.id, limit, offset]);
  const statuses = await readOwnStatuses(
    tenantId,
    rows.map((row) => row.content_hash),
  );
  return {
    data: rows.map((row, index) => ({
      id: statuses[index]!.submissionId,
      hash: `0x${toHexDigits(row.content_hash)}`,
      status: statuses[index]!.status,
      signature: toHexDigits(row.signature),
      algorithm: row.algorithm,
      publicKey: toHexDigits(row.public_key),
      metadata: row.metadata,
      createdAt: row.created_at,
    })),
    pagination: { limit, offset, total: device.submissions },
  };
}
