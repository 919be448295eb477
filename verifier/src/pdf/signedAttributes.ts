import { sha256 } from "@noble/hashes/sha2.js";
import { childrenOf, contentOf, type Der, objectIdentifierOf, TAG } from "./der.ts";
import { isSameBytes } from "./sameBytes.ts";
import { broken, notChecked } from "./signatureFault.ts";
import { algorithmOf, type SignedData } from "./signedData.ts";

const DATA = "1.2.840.113549.1.7.1";
const SHA_256 = "2.16.840.1.101.3.4.2.1";
const ATTRIBUTE = {
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
};

/**
 * Checks the attributes that CAdES demands (ETSI EN 319 122-1 §6.3) against the bytes that the
 * signature covers.
 * @throws {InvalidDerError} @throws {SignatureFault}
 */
export function checkAttributes(
  { attributes, certificate, digestAlgorithm }: SignedData,
  parts: Uint8Array[],
): void {
  const attribute = (type: string, name: string) => {
    const [value, ...more] = attributes.get(type) ?? [];
    if (!value || more.length > 0) throw broken(`The signature does not have one signed attribute ${name}.`);
    return value;
  };
  if (objectIdentifierOf(attribute(ATTRIBUTE.contentType, "content-type")) !== DATA)
    throw broken("The signature is of something else than data.");
  const messageDigest = contentOf(attribute(ATTRIBUTE.messageDigest, "message-digest"), TAG.octetString);
  const certificateId = attribute(ATTRIBUTE.signingCertificateV2, "signing-certificate-v2");
  if (digestAlgorithm !== SHA_256) throw notChecked("The signature does not use SHA-256.");
  if (!isSameBytes(messageDigest, sha256Of(parts))) throw broken("The file was changed after it was signed.");
  if (!isSameBytes(certificateDigest(certificateId), sha256(certificate.bytes)))
    throw broken("The certificate in the signature is not the one that was signed with.");
}

/** The digest of the signer's certificate in a SigningCertificateV2 (RFC 5035 §3). */
function certificateDigest(signingCertificate: Der): Uint8Array {
  const [ids] = childrenOf(signingCertificate, TAG.sequence);
  const [own] = childrenOf(ids, TAG.sequence);
  const [first, second] = childrenOf(own, TAG.sequence);
  if (first?.tag === TAG.octetString) return first.content;
  if (algorithmOf(first) !== SHA_256)
    throw notChecked("The signature does not name its certificate by SHA-256.");
  return contentOf(second, TAG.octetString);
}

function sha256Of(parts: readonly Uint8Array[]): Uint8Array {
  const digest = sha256.create();
  for (const part of parts) digest.update(part);
  return digest.digest();
}
