import type { PoolClient } from "pg";
import type { DeviceAlgorithm } from "#protocol/deviceSignature.ts";
import { checkSignature } from "../../devices/checkSignature.ts";
import type { SignatureChoice } from "./checkReceipts.ts";
import type { Report } from "./violation.ts";

/** Signatures that one statement reads. */
const SIGNATURES_PER_READ = 1_000;

const COUNTS = `
  SELECT device.id, device.submissions AS counted, coalesce(found.submissions, 0) AS found
  FROM app.devices device
  LEFT JOIN (SELECT tenant_id, device_id, count(*) AS submissions FROM app.device_submissions GROUP BY 1, 2) found
    ON found.tenant_id = device.tenant_id AND found.device_id = device.id
  WHERE device.submissions <> coalesce(found.submissions, 0)`;

const SIGNED = `
  SELECT signed.tenant_id, signed.device_id, signed.content_hash, signed.signature, key.algorithm, key.public_key,
         s.content_hash IS NOT NULL AS is_submitted
  FROM app.device_submissions signed
  JOIN app.device_keys key ON key.tenant_id = signed.tenant_id AND key.device_id = signed.device_id AND key.id = signed.key_id
  LEFT JOIN app.submissions s ON s.content_hash = signed.content_hash AND s.tenant_id = signed.tenant_id
  WHERE (signed.tenant_id, signed.device_id, signed.content_hash) > ($1::uuid, $2::uuid, $3::bytea)
  ORDER BY signed.tenant_id, signed.device_id, signed.content_hash LIMIT ${SIGNATURES_PER_READ}`;

type SignedRow = {
  tenant_id: string;
  device_id: string;
  content_hash: Buffer;
  signature: Buffer;
  algorithm: DeviceAlgorithm;
  public_key: Buffer;
  is_submitted: boolean;
};

/**
 * Every hash that a device has signed is a submission, and the signature proves it (HA-19). All signatures are verified, unless
 * none is to be.
 */
export async function checkDevices(tx: PoolClient, choice: SignatureChoice, report: Report): Promise<void> {
  const counts = await tx.query<{ id: string; counted: number; found: number }>(COUNTS);
  for (const { id, counted, found } of counts.rows)
    report({ kind: "deviceCountWrong", found: `device ${id}: ${counted} counted, ${found} found` });
  const zero = "00000000-0000-0000-0000-000000000000";
  for (let after: [string, string, Buffer] = [zero, zero, Buffer.alloc(0)]; ; ) {
    const { rows } = await tx.query<SignedRow>(SIGNED, after);
    const problems = await Promise.all(rows.map((row) => problemOf(row, choice)));
    for (const [index, { content_hash, device_id }] of rows.entries())
      if (problems[index] !== null)
        report({
          kind: "signerUnproven",
          contentHash: `0x${content_hash.toString("hex")}`,
          found: `device ${device_id}: ${problems[index]}`,
        });
    if (rows.length < SIGNATURES_PER_READ) return;
    const last = rows.at(-1)!;
    after = [last.tenant_id, last.device_id, last.content_hash];
  }
}

async function problemOf(row: SignedRow, choice: SignatureChoice): Promise<string | null> {
  if (!row.is_submitted) return "no submission";
  if (choice === "none") return null;
  const key = { algorithm: row.algorithm, publicKey: row.public_key };
  return checkSignature(key, row.content_hash, row.signature);
}
