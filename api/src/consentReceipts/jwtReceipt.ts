import { importPKCS8, type JWTPayload, SignJWT } from "jose";
import type { ConsentReceiptInput } from "#protocol/consentReceipts/consentEvent.ts";
import { jwtReceiptClaims } from "#protocol/consentReceipts/jwtReceiptClaims.ts";
import type { ServiceKey } from "../secrets/serviceKeys.ts";

/** Keys as they sign; parsing one takes longer than signing with it. The signature itself is made in the thread pool. */
const imported = new Map<string, ReturnType<typeof importPKCS8>>();

function signingKey({ kid, key }: ServiceKey): ReturnType<typeof importPKCS8> {
  const known = imported.get(kid) ?? importPKCS8(key.toString(), "RS256");
  imported.set(kid, known);
  return known;
}

/** RS256 over claims (RFC 7515 §7.1). */
export async function signJwt(claims: JWTPayload, key: ServiceKey, typ: string): Promise<string> {
  const signed = new SignJWT(claims).setProtectedHeader({ alg: "RS256", typ, kid: key.kid });
  return signed.sign(await signingKey(key));
}

/** A receipt as JWT (SG-9). */
export function jwtReceipt(input: ConsentReceiptInput, key: ServiceKey): Promise<string> {
  return signJwt(jwtReceiptClaims({ ...input, kid: key.kid }), key, "JWT");
}
