import { arrayLiteral, byteaArrayLiteral } from "../db/arrayLiteral.ts";
import { newId } from "../newId.ts";

/** The device and its key under which a call's one hash was found signed, and the signature: 64 bytes (HA-19). */
export type SignedBy = { deviceId: string; keyId: string; signature: Buffer };

export type Signer = {
  signedBy: SignedBy;
  /** Who has signed it as devices and keys are now; throws when nobody has any more. */
  renew: () => Promise<SignedBy>;
};

/** What the accepting statement does beside its own, for a group of calls that are signed. */
export type StatementParts = {
  /** CTEs that come first, each followed by a comma. */
  before: string;
  /** Without it nothing is stored. */
  condition: string;
  /** CTEs that come last, each after a comma. */
  after: string;
};

// Devices are locked before anything is stored, in one order. Whoever revokes a device or replaces its key holds the same row: when
// it was first, the row that we waited for no longer says what we ask for, the count is short, and nothing of the group is stored;
// when we were first, it comes after our commit. A device that has signed the hash before keeps its first signature.
// What a device submits is not dated before its key, nor its key's end before that, whatever the clocks of several hosts say.
export const SIGNED_PARTS: StatementParts = {
  before: `signers AS (
    SELECT device.tenant_id, device.id AS device_id, key.id AS key_id, key.valid_from
    FROM unnest($20::uuid[], $21::uuid[], $22::uuid[]) AS wanted (tenant_id, device_id, key_id)
    JOIN app.devices device ON device.tenant_id = wanted.tenant_id AND device.id = wanted.device_id AND device.key_id = wanted.key_id
    JOIN app.device_keys key ON key.tenant_id = wanted.tenant_id AND key.device_id = wanted.device_id AND key.id = wanted.key_id
    WHERE device.revoked_at IS NULL
    ORDER BY device.id FOR NO KEY UPDATE OF device
  ), `,
  condition: "(SELECT count(*) FROM signers) = cardinality($20::uuid[])",
  after: `, recorded AS (
    INSERT INTO app.device_submissions (tenant_id, device_id, content_hash, id, key_id, signature, metadata, created_at)
    SELECT signers.tenant_id, device_id, content_hash, signed.id, key_id, signature, metadata::jsonb, greatest($7, valid_from)
    FROM unnest($23::uuid[], $24::bytea[], $25::uuid[], $26::bytea[], $27::text[])
      AS signed (device_id, content_hash, id, signature, metadata)
    JOIN signers USING (device_id), access
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, device_id, created_at
  ), tallied AS (
    UPDATE app.devices device SET
      submissions = device.submissions + recent.submissions,
      last_submitted_at = greatest(device.last_submitted_at, recent.created_at)
    FROM (
      SELECT tenant_id, device_id, count(*) AS submissions, max(created_at) AS created_at FROM recorded GROUP BY 1, 2
    ) recent
    WHERE device.tenant_id = recent.tenant_id AND device.id = recent.device_id
  )`,
};

export type SignedCall = {
  tenantId: string;
  /** 64 hex digits. */
  hashDigits: string;
  /** As JSON. */
  metadata: string | null;
  signedBy: SignedBy;
};

/** The parameters of SIGNED_PARTS, from $20 on. */
export function signedValues(calls: SignedCall[]): unknown[] {
  // A device that signs several hashes of a group is one signer; two keys of one device are two, of which one is of the past.
  const signers = [
    ...new Map(calls.map((call) => [call.signedBy.deviceId + call.signedBy.keyId, call])).values(),
  ];
  return [
    arrayLiteral(signers.map(({ tenantId }) => tenantId)),
    arrayLiteral(signers.map(({ signedBy }) => signedBy.deviceId)),
    arrayLiteral(signers.map(({ signedBy }) => signedBy.keyId)),
    arrayLiteral(calls.map(({ signedBy }) => signedBy.deviceId)),
    byteaArrayLiteral(calls.map(({ hashDigits }) => hashDigits)),
    arrayLiteral(calls.map(() => newId())),
    byteaArrayLiteral(calls.map(({ signedBy }) => signedBy.signature.toString("hex"))),
    calls.map(({ metadata }) => metadata),
  ];
}
