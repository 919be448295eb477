import type { KeyObject } from "node:crypto";
import { Integer, PrintableString } from "asn1js";
import { AttributeTypeAndValue, Certificate } from "pkijs";

/** A certificate of nobody's authority for "Holdfast test". */
export async function selfSignedCertificate(
  privateKey: KeyObject,
  publicKey: KeyObject,
  { notBefore = "2026-01-01", notAfter = "2046-01-01" } = {},
): Promise<string> {
  const algorithm =
    privateKey.asymmetricKeyType === "ec"
      ? { name: "ECDSA", namedCurve: "P-256" }
      : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const der = (key: KeyObject, type: "pkcs8" | "spki") =>
    Uint8Array.from(key.export({ type: type as "spki", format: "der" }));
  const [signing, verifying] = await Promise.all([
    crypto.subtle.importKey("pkcs8", der(privateKey, "pkcs8"), algorithm, false, ["sign"]),
    crypto.subtle.importKey("spki", der(publicKey, "spki"), algorithm, true, ["verify"]),
  ]);
  const made = new Certificate({ version: 2, serialNumber: new Integer({ value: 7 }) });
  const name = () =>
    new AttributeTypeAndValue({ type: "2.5.4.3", value: new PrintableString({ value: "Holdfast test" }) });
  made.issuer.typesAndValues.push(name());
  made.subject.typesAndValues.push(name());
  made.notBefore.value = new Date(notBefore);
  made.notAfter.value = new Date(notAfter);
  await made.subjectPublicKeyInfo.importKey(verifying);
  await made.sign(signing, "SHA-256");
  const base64 = Buffer.from(made.toSchema(true).toBER(false)).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)!.join("\n")}\n-----END CERTIFICATE-----\n`;
}
