import { childrenOf, contentOf, type Der, firstDer, objectIdentifierOf, TAG } from "./der.ts";
import { isSameBytes } from "./sameBytes.ts";
import { broken, notChecked } from "./signatureFault.ts";

const SIGNED_DATA = "1.2.840.113549.1.7.2";
const DATA = "1.2.840.113549.1.7.1";

/** Parts of an X.509 certificate (RFC 5280 §4.1), each in DER. */
export type SignerCertificate = { bytes: Uint8Array; subject: Der; publicKeyInfo: Der };

/** A detached CMS signature by one signer (RFC 5652 §5). */
export type SignedData = {
  certificate: SignerCertificate;
  digestAlgorithm: string;
  signatureAlgorithm: string;
  signature: Uint8Array;
  /** DER of the SET OF that is signed (§5.4). */
  signedAttributes: Uint8Array;
  /** Values of the signed attributes by their type. */
  attributes: Map<string, Der[]>;
};

/**
 * @param bytes the DER, and zeros up to the end of its place.
 * @throws {InvalidDerError} @throws {SignatureFault}
 */
export function readSignedData(bytes: Uint8Array): SignedData {
  const contentInfo = firstDer(bytes);
  if (bytes.subarray(contentInfo.bytes.length).some((byte) => byte !== 0))
    throw broken("Something follows the signature in its place.");
  const [type, content] = childrenOf(contentInfo, TAG.sequence);
  if (objectIdentifierOf(type) !== SIGNED_DATA) throw broken("The signature is no CMS SignedData.");
  const [signedData] = childrenOf(content, TAG.context(0));
  const [, , encapsulated, ...rest] = childrenOf(signedData, TAG.sequence);
  const [contentType, ...ownContent] = childrenOf(encapsulated, TAG.sequence);
  if (objectIdentifierOf(contentType) !== DATA || ownContent.length > 0)
    throw broken("The signature is not a detached signature of data.");
  const certificates = rest.find(({ tag }) => tag === TAG.context(0));
  const signers = childrenOf(rest.at(-1), TAG.set);
  if (signers.length !== 1) throw notChecked("Only a signature by exactly one signer is checked.");
  return readSigner(signers[0]!, certificates ? childrenOf(certificates, TAG.context(0)) : []);
}

function readSigner(signer: Der, certificates: readonly Der[]): SignedData {
  const [, id, digest, attributes, algorithm, signature] = childrenOf(signer, TAG.sequence);
  if (id?.tag === TAG.context(0) || id?.tag === 0x80)
    throw notChecked("The signature names its certificate by key and not by issuer and serial number.");
  if (attributes?.tag !== TAG.context(0)) throw broken("The signature has no signed attributes.");
  return {
    certificate: certificateOf(id, certificates),
    digestAlgorithm: algorithmOf(digest),
    signatureAlgorithm: algorithmOf(algorithm),
    signature: contentOf(signature, TAG.octetString),
    signedAttributes: asSetOf(attributes),
    attributes: attributesOf(attributes),
  };
}

/** The signer signs a SET OF, not the `[0]` that stands in the encoding. */
function asSetOf(attributes: Der): Uint8Array {
  const bytes = attributes.bytes.slice();
  bytes[0] = TAG.set;
  return bytes;
}

function certificateOf(id: Der | undefined, certificates: readonly Der[]): SignerCertificate {
  const [issuer, serial] = childrenOf(id, TAG.sequence);
  for (const certificate of certificates) {
    if (certificate.tag !== TAG.sequence) continue; // an attribute certificate
    const [body] = childrenOf(certificate, TAG.sequence);
    const fields = childrenOf(body, TAG.sequence);
    if (fields[0]?.tag === TAG.context(0)) fields.shift(); // the version, which stands only from 2 on
    const [ownSerial, , ownIssuer, , subject, publicKeyInfo] = fields;
    if (subject && publicKeyInfo && isSame(ownSerial, serial) && isSame(ownIssuer, issuer))
      return { bytes: certificate.bytes, subject, publicKeyInfo };
  }
  throw broken("The signature does not hold the certificate that it names.");
}

function attributesOf(attributes: Der): Map<string, Der[]> {
  const values = new Map<string, Der[]>();
  for (const attribute of childrenOf(attributes, TAG.context(0))) {
    const [type, set] = childrenOf(attribute, TAG.sequence);
    const name = objectIdentifierOf(type);
    if (values.has(name)) throw broken("The signature has a signed attribute twice.");
    values.set(name, childrenOf(set, TAG.set));
  }
  return values;
}

/** The identifier of an AlgorithmIdentifier. */
export function algorithmOf(der: Der | undefined): string {
  return objectIdentifierOf(childrenOf(der, TAG.sequence)[0]);
}

function isSame(one: Der | undefined, other: Der | undefined): boolean {
  return one !== undefined && other !== undefined && isSameBytes(one.bytes, other.bytes);
}
