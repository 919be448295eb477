import { createHmac, timingSafeEqual } from "node:crypto";
import canonicalize from "canonicalize";
import type { ConsentSignature } from "../consents/newConsent.ts";
import type { ServiceKey } from "../secrets/serviceKeys.ts";

/** What the signature of a proof stands over (OS-4). `consented_at`: ISO 8601 with milliseconds, UTC. */
export type SignedMembers = {
  receipt_id: string;
  visitor_id: string;
  domain: string;
  consented_at: string;
  action: string;
  categories: Record<string, boolean>;
};

/** HMAC-SHA256 over the RFC 8785 bytes of the members, lower-case hex, with the key's id (OS-4). */
export function signProof(members: SignedMembers, { kid, key }: ServiceKey): ConsentSignature {
  return { scheme: "HMAC-SHA256", key_id: kid, value: macOf(members, key).toString("hex") };
}

/** Compared in constant time. */
export function isProofSignature(members: SignedMembers, value: string, { key }: ServiceKey): boolean {
  return isEqualHex(value, macOf(members, key));
}

/** Whether 64 hex digits in any case are these 32 bytes; in constant time. */
export function isEqualHex(hex: string, bytes: Uint8Array): boolean {
  const given = Buffer.from(hex, "hex");
  return given.length === bytes.length && timingSafeEqual(given, bytes);
}

function macOf(members: SignedMembers, key: Buffer): Buffer {
  return createHmac("sha256", key).update(canonicalize(members)!).digest();
}
