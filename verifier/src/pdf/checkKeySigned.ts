import { childrenOf, TAG } from "./der.ts";
import { broken, notChecked } from "./signatureFault.ts";
import { algorithmOf, type SignedData } from "./signedData.ts";

const RSA = "1.2.840.113549.1.1.1";
const SHA_256_WITH_RSA = "1.2.840.113549.1.1.11";
const RS256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/**
 * Checks that the certificate's key signed the attributes (RFC 5652 §5.6).
 * @throws {InvalidDerError} @throws {SignatureFault}
 */
export async function checkKeySigned({
  certificate,
  signature,
  signatureAlgorithm,
  signedAttributes,
}: SignedData) {
  const keyAlgorithm = algorithmOf(childrenOf(certificate.publicKeyInfo, TAG.sequence)[0]);
  const isRsa = signatureAlgorithm === RSA || signatureAlgorithm === SHA_256_WITH_RSA;
  if (!isRsa || keyAlgorithm !== RSA)
    throw notChecked("The signature does not use RSA (PKCS #1 v1.5) with SHA-256.");
  // Browsers have WebCrypto only where nobody can change the page on its way.
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle)
    throw notChecked("Browsers check signatures only on pages that were opened over https or from a file.");
  const key = await subtle
    .importKey("spki", Uint8Array.from(certificate.publicKeyInfo.bytes), RS256, false, ["verify"])
    .catch(() =>
      Promise.reject(notChecked("The key in the certificate is of a kind that is not known here.")),
    );
  if (!(await subtle.verify(RS256, key, Uint8Array.from(signature), Uint8Array.from(signedAttributes))))
    throw broken("The key of the certificate did not make the signature.");
}
