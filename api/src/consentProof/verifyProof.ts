import type { Database } from "../db/client.ts";
import type { ServiceKeys } from "../secrets/serviceKeys.ts";
import { findProofByReceiptId } from "./findProofs.ts";
import { proofRecord, signedMembers } from "./proofRecord.ts";
import { isEqualHex, isProofSignature } from "./proofSignature.ts";

export type ProofVerdict = { valid: boolean; scheme: "HMAC-SHA256" | "SHA-256" };

const INVALID: ProofVerdict = { valid: false, scheme: "HMAC-SHA256" };

/**
 * Whether a proof's signature stands over the record of that receipt id (OS-5). Unknown, erased and wrong are answered alike. A
 * record that was never signed is checked by its own digest.
 */
export async function verifyProof(
  { db, keys }: { db: Database; keys: ServiceKeys | null },
  { receiptId, signature }: { receiptId: string; signature: string },
): Promise<ProofVerdict> {
  const stored = await findProofByReceiptId(db, receiptId);
  if (stored === null) return INVALID;
  const record = proofRecord(stored);
  const members = signedMembers(record);
  if (members === null) return INVALID;
  if (record.signature === null)
    return isEqualHex(signature, stored.recordDigest) ? { valid: true, scheme: "SHA-256" } : INVALID;
  const key = (await keys?.find(record.signature.key_id)) ?? null;
  const valid = key !== null && isProofSignature(members, signature, key);
  return valid ? { valid, scheme: "HMAC-SHA256" } : INVALID;
}
