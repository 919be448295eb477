import { type ConsentReceiptInput, consentReceiptsUrl } from "./consentEvent.ts";

/**
 * The claims of a receipt as JWT, in the style of the Kantara Consent Receipt 1.0 (SG-9). The same event gives the same claims, but for
 * `publicKey`, the PEM of the key that signs now.
 */
export function jwtReceiptClaims({
  event,
  publicUrl,
  proof,
  kid,
}: Omit<ConsentReceiptInput, "recordedAs"> & { kid: string }): Record<string, unknown> {
  const { id, subject, issuer, target, source, scope, action, token, createdAt } = event;
  const base = consentReceiptsUrl(publicUrl);
  return {
    ...(subject === undefined ? {} : { sub: subject }),
    policyUrl: target,
    publicKey: `${base}/keys/${kid}.pem`,
    dataController: { org: issuer },
    signatu: { consent: { id, subject, issuer, target, source, scope, action } },
    iat: Math.floor(Date.parse(createdAt) / 1_000),
    iss: base,
    jti: token,
    ...proof,
  };
}
