import type { DeviceAlgorithm } from "#protocol/deviceSignature.ts";
import { arrayLiteral } from "../db/arrayLiteral.ts";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";

/** A device with the key that it signs with now, or signed with last. */
export type DeviceRow = {
  tenant_id: string;
  id: string;
  name: string;
  submissions: number;
  revoked_at: Date | null;
  key_id: string;
  algorithm: DeviceAlgorithm;
  public_key: Buffer;
};

/** `name`: the tenant's deviceId. */
export type DeviceWanted = { tenantId: string; name: string };
export type FindDevice = (wanted: DeviceWanted) => Promise<DeviceRow | null>;

const FIND = `
  SELECT device.tenant_id, device.id, device.name, device.submissions, device.revoked_at, key.id AS key_id, key.algorithm, key.public_key
  FROM unnest($1::uuid[], $2::text[]) AS wanted (tenant_id, name)
  JOIN app.devices device USING (tenant_id, name)
  JOIN app.device_keys key ON key.tenant_id = device.tenant_id AND key.device_id = device.id AND key.id = device.key_id`;

/** Finds a tenant's device by the name that it gave it, in one statement for all who wait together. */
export function createDeviceFinder({ pool }: Database): FindDevice {
  const keyOf = (tenantId: string, name: string) => `${tenantId} ${name}`;
  return groupCalls(
    async (wanted: DeviceWanted[]) => {
      const values = [arrayLiteral(wanted.map(({ tenantId }) => tenantId)), wanted.map(({ name }) => name)];
      const { rows } = await pool.query<DeviceRow>({ name: "find-devices", text: FIND, values });
      const found = new Map(rows.map((row) => [keyOf(row.tenant_id, row.name), row]));
      return wanted.map(({ tenantId, name }) => found.get(keyOf(tenantId, name)) ?? null);
    },
    { weightMax: 200, concurrencyMax: 2 },
  );
}
