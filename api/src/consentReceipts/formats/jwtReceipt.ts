import { importPKCS8, SignJWT } from "jose";
import type { ServiceKey } from "../../secrets/serviceKeys.ts";
import type { EventProof } from "./eventProof.ts";

/** Keys as they sign; parsing one takes longer than signing with it. The signature itself is made in the thread pool. */
const imported = new Map<string, ReturnType<typeof importPKCS8>>();

function signingKey({ kid, key }: ServiceKey): ReturnType<typeof importPKCS8> {
  const known = imported.get(kid) ?? importPKCS8(key.toString(), "RS256");
  imported.set(kid, known);
  return known;
}

export type JwtReceiptUrls = { issuer: string; publicKeyOf: (kid: string) => string };

/**
 * A receipt as a JWT in the style of the Kantara Consent Receipt 1.0 (SG-9). The same event gives the same claims; once it is
 * anchored, `anchor` is its hash receipt, and `disclosures` and `_sd` tie these claims to the anchored digest.
 */
export async function jwtReceipt(
  { event, anchored }: EventProof,
  key: ServiceKey,
  urls: JwtReceiptUrls,
): Promise<string> {
  const { id, subject, issuer, target, source, scope, action, token } = event;
  const claims = {
    policyUrl: target,
    publicKey: urls.publicKeyOf(key.kid),
    dataController: { org: issuer },
    signatu: { consent: { id, subject, issuer, target, source, scope, action } },
    ...(anchored === null
      ? {}
      : { anchor: anchored.receipt, disclosures: anchored.disclosures, _sd: anchored.sd }),
  };
  const signed = new SignJWT({ ...(subject === undefined ? {} : { sub: subject }), ...claims })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: key.kid })
    .setIssuedAt(Math.floor(Date.parse(event.createdAt) / 1_000))
    .setIssuer(urls.issuer)
    .setJti(token);
  return signed.sign(await signingKey(key));
}
