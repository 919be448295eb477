import { createPrivateKey, hash, X509Certificate } from "node:crypto";
import { ObjectIdentifier, OctetString, Sequence } from "asn1js";
import {
  Attribute,
  Certificate,
  ContentInfo,
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  SignedAndUnsignedAttributes,
  SignedData,
  SignerInfo,
} from "pkijs";
import { SIGNATURE_BYTES_MAX } from "./signaturePlace.ts";

/** Why a key and its certificates sign nothing. */
export class InvalidPdfSignerError extends Error {
  override name = "InvalidPdfSignerError";
}

export type PdfSigner = {
  /** Fills the place that renderProofPdf has left in the document. */
  sign(pdf: Uint8Array): Promise<Uint8Array>;
};

const OID = {
  data: "1.2.840.113549.1.7.1",
  signedData: "1.2.840.113549.1.7.2",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
};
const RS256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const BYTE_RANGE = /\/ByteRange \[0 (9+) \1 \1\]/;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * Signs PDFs with the operator's certificate: PAdES baseline B-B (ETSI EN 319 142-1), a CAdES signature without a time of its own. With RSA
 * (PKCS #1 v1.5) the same document gets the same bytes.
 * @param keyPem PKCS #8, RSA. @param certificatesPem the signer's certificate first, then those that issued it.
 * @throws {InvalidPdfSignerError}
 */
export async function createPdfSigner(keyPem: string, certificatesPem: string): Promise<PdfSigner> {
  const { pkcs8, certificates } = read(keyPem, certificatesPem);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, RS256, false, ["sign"]);
  const signatureBytes = (await signatureOf(new Uint8Array(), key, certificates)).byteLength;
  if (signatureBytes > SIGNATURE_BYTES_MAX)
    throw new InvalidPdfSignerError("The chain of certificates is too long for the place in the document");
  return {
    async sign(pdf) {
      const { signed, signedParts, place } = withByteRange(pdf);
      const cms = Buffer.from(await signatureOf(signedParts, key, certificates));
      signed.write(cms.toString("hex"), place + 1, "latin1");
      return signed;
    },
  };
}

function read(keyPem: string, certificatesPem: string) {
  try {
    const key = createPrivateKey(keyPem);
    const certificates = (certificatesPem.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
    const [own] = certificates;
    if (key.asymmetricKeyType !== "rsa")
      throw new InvalidPdfSignerError("The key that signs PDFs must be RSA");
    if (own === undefined)
      throw new InvalidPdfSignerError("There is no certificate for the key that signs PDFs");
    if (!own.checkPrivateKey(key))
      throw new InvalidPdfSignerError("The first certificate is not that of the key that signs PDFs");
    const now = new Date();
    if (now < own.validFromDate || now > own.validToDate)
      throw new InvalidPdfSignerError(
        `The certificate that signs PDFs is valid from ${own.validFrom} to ${own.validTo}, and not now`,
      );
    return {
      pkcs8: Uint8Array.from(key.export({ type: "pkcs8", format: "der" })),
      certificates: certificates.map(({ raw }) => Uint8Array.from(raw)),
    };
  } catch (error) {
    if (error instanceof InvalidPdfSignerError) throw error;
    throw new InvalidPdfSignerError("The key or the certificates that sign PDFs cannot be read", {
      cause: error,
    });
  }
}

/** The document with its real byte range (ISO 32000-2 §12.8.1): all of it but the hex text of the signature and its brackets. */
function withByteRange(pdf: Uint8Array) {
  const signed = Buffer.from(pdf);
  const text = signed.toString("latin1");
  const range = BYTE_RANGE.exec(text);
  const place = text.indexOf(`<${"00".repeat(SIGNATURE_BYTES_MAX)}>`);
  if (range === null || place < 0) throw new TypeError("the document has no place for a signature");
  const end = place + 2 * SIGNATURE_BYTES_MAX + 2;
  const real = `/ByteRange [0 ${place} ${end} ${signed.length - end}]`;
  signed.write(real.padEnd(range[0].length), range.index, "latin1");
  return {
    signed,
    signedParts: Buffer.concat([signed.subarray(0, place), signed.subarray(end)]),
    place,
  };
}

/** CMS SignedData (RFC 5652), detached, with the attributes that CAdES demands (ETSI EN 319 122-1 §6.3). */
async function signatureOf(
  content: Uint8Array,
  key: CryptoKey,
  certificates: readonly Uint8Array<ArrayBuffer>[],
): Promise<ArrayBuffer> {
  const chain = certificates.map((der) => Certificate.fromBER(der));
  const [own] = chain;
  const digestOf = (bytes: Uint8Array) => Uint8Array.from(hash("sha256", bytes, "buffer")).buffer;
  const cms = new SignedData({
    version: 1,
    encapContentInfo: new EncapsulatedContentInfo({ eContentType: OID.data }),
    certificates: chain,
    signerInfos: [
      new SignerInfo({
        version: 1,
        sid: new IssuerAndSerialNumber({ issuer: own!.issuer, serialNumber: own!.serialNumber }),
        signedAttrs: new SignedAndUnsignedAttributes({
          type: 0,
          attributes: [
            new Attribute({ type: OID.contentType, values: [new ObjectIdentifier({ value: OID.data })] }),
            new Attribute({
              type: OID.messageDigest,
              values: [new OctetString({ valueHex: digestOf(content) })],
            }),
            new Attribute({
              type: OID.signingCertificateV2,
              values: [signingCertificate(digestOf(certificates[0]!))],
            }),
          ],
        }),
      }),
    ],
  });
  await cms.sign(key, 0, "SHA-256", Uint8Array.from(content));
  return new ContentInfo({ contentType: OID.signedData, content: cms.toSchema(true) })
    .toSchema()
    .toBER(false);
}

/** ESSCertIDv2 with SHA-256, its default (RFC 5035 §3). */
function signingCertificate(sha256: ArrayBuffer): Sequence {
  const id = new Sequence({ value: [new OctetString({ valueHex: sha256 })] });
  return new Sequence({ value: [new Sequence({ value: [id] })] });
}
