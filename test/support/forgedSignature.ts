import { type KeyObject, X509Certificate } from "node:crypto";
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

/** Where the parts before and after a signature end and begin, and how long the second is. */
export function rangeOf(pdf: Buffer): { before: number; after: number; rest: number } {
  const [, before, after, rest] = /\/ByteRange \[0 (\d+) (\d+) (\d+)\]/
    .exec(pdf.toString("latin1"))!
    .map(Number);
  return { before: before!, after: after!, rest: rest! };
}

/** A signature that our signer would not make. */
export type Forgery = {
  key: KeyObject;
  algorithm: { name: string; hash?: string; namedCurve?: string };
  digest: "SHA-256" | "SHA-512";
  /** The certificate that the signature names, and those that it holds; PEM. */
  named: string;
  /** The certificate whose digest is among what is signed; PEM. */
  signedWith: string;
  enclosed: string[];
  without: "contentType" | "messageDigest" | "signingCertificate" | null;
  /** Instead of the bytes that the range covers. */
  digestOf: Buffer | null;
  range: number[];
};

/** The signed document with another signature in the place of its own: a usual one with changes. */
export async function signedAgain(
  signed: Buffer,
  usual: { key: KeyObject; certificate: string },
  changes: Partial<Forgery>,
): Promise<Buffer> {
  const { certificate } = usual;
  const { before, after, rest } = rangeOf(signed);
  const forgery: Forgery = {
    key: usual.key,
    algorithm: { name: "RSASSA-PKCS1-v1_5", hash: changes.digest ?? "SHA-256" },
    digest: "SHA-256",
    named: certificate,
    signedWith: certificate,
    enclosed: [certificate],
    without: null,
    digestOf: null,
    range: [0, before, after, rest],
    ...changes,
  };
  const pdf = Buffer.from(signed);
  const start = pdf.indexOf("/ByteRange [");
  const room = pdf.indexOf("/Contents", start) - 1 - start;
  pdf.write(`/ByteRange [${forgery.range.join(" ")}]`.padEnd(room), start, "latin1");
  const parts: Buffer[] = [];
  for (let index = 0; index < forgery.range.length; index += 2)
    parts.push(pdf.subarray(forgery.range[index]!, forgery.range[index]! + forgery.range[index + 1]!));
  const cms = await cmsOf(forgery, Buffer.concat(parts));
  pdf.write(cms.toString("hex").padEnd(after - before - 2, "0"), before + 1, "latin1");
  return pdf;
}

async function cmsOf(forgery: Forgery, content: Buffer): Promise<Buffer> {
  const { named, enclosed, digest, algorithm } = forgery;
  const derOf = (pem: string) => Uint8Array.from(new X509Certificate(pem).raw);
  const own = Certificate.fromBER(derOf(named));
  const digestOf = (bytes: Uint8Array, name: string) => crypto.subtle.digest(name, Uint8Array.from(bytes));
  const certificateId = new OctetString({ valueHex: await digestOf(derOf(forgery.signedWith), "SHA-256") });
  const nest = (value: OctetString | Sequence) => new Sequence({ value: [value] });
  const attributes = {
    contentType: ["1.2.840.113549.1.9.3", new ObjectIdentifier({ value: "1.2.840.113549.1.7.1" })],
    messageDigest: [
      "1.2.840.113549.1.9.4",
      new OctetString({ valueHex: await digestOf(forgery.digestOf ?? content, digest) }),
    ],
    signingCertificate: ["1.2.840.113549.1.9.16.2.47", nest(nest(nest(certificateId)))],
  } as const;
  const kept = Object.entries(attributes).filter(([name]) => name !== forgery.without);
  const signedData = new SignedData({
    version: 1,
    encapContentInfo: new EncapsulatedContentInfo({ eContentType: "1.2.840.113549.1.7.1" }),
    certificates: enclosed.map((pem) => Certificate.fromBER(derOf(pem))),
    signerInfos: [
      new SignerInfo({
        version: 1,
        sid: new IssuerAndSerialNumber({ issuer: own.issuer, serialNumber: own.serialNumber }),
        signedAttrs: new SignedAndUnsignedAttributes({
          type: 0,
          attributes: kept.map(([, [type, value]]) => new Attribute({ type, values: [value] })),
        }),
      }),
    ],
  });
  const pkcs8 = Uint8Array.from(forgery.key.export({ type: "pkcs8", format: "der" }));
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
  await signedData.sign(key, 0, digest, Uint8Array.from(content));
  const schema = signedData.toSchema(true);
  return Buffer.from(
    new ContentInfo({ contentType: "1.2.840.113549.1.7.2", content: schema }).toSchema().toBER(),
  );
}
