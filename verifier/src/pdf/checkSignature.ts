import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "#protocol/bytes.ts";
import { checkKeySigned } from "./checkKeySigned.ts";
import { InvalidDerError } from "./der.ts";
import { distinguishedNameOf } from "./distinguishedName.ts";
import { isName, type PdfDict } from "./pdfValue.ts";
import { notChecked, SignatureFault } from "./signatureFault.ts";
import { checkAttributes } from "./signedAttributes.ts";
import { readSignedData } from "./signedData.ts";
import { signedPartsOf } from "./signedParts.ts";

/**
 * - `whole`: the key of this certificate signed the file as it is, byte for byte. Trust in the
 *   certificate is not checked. `subject` is RFC 4514 text, `certificateSha256` lower-case hex.
 * - `broken`: shown not to hold for this file. `notChecked`: of a kind that is not known here.
 */
export type PdfSignature =
  | { state: "none" }
  | { state: "whole"; subject: string; certificateSha256: string }
  | { state: "broken"; why: string }
  | { state: "notChecked"; why: string };

/** Room for a chain of certificates with all that proves their validity. */
const SIGNATURE_BYTES_MAX = 262_144;

/**
 * Checks a signature dictionary as PAdES baseline B-B (ETSI EN 319 142-1 §5, §6.2) with RSA and
 * SHA-256.
 */
export async function checkSignature(pdf: Uint8Array, signature: PdfDict): Promise<PdfSignature> {
  try {
    if (!isName(signature.entries.get("SubFilter"), "ETSI.CAdES.detached"))
      throw notChecked("The signature is not of the kind PAdES (ETSI.CAdES.detached).");
    const { parts, cms } = signedPartsOf(pdf, signature);
    if (cms.length > SIGNATURE_BYTES_MAX) throw notChecked("The signature is larger than 256 KiB.");
    const signedData = readSignedData(cms);
    checkAttributes(signedData, parts);
    await checkKeySigned(signedData);
    const { certificate } = signedData;
    return {
      state: "whole",
      subject: distinguishedNameOf(certificate.subject),
      certificateSha256: bytesToHex(sha256(certificate.bytes)).slice(2),
    };
  } catch (error) {
    if (error instanceof SignatureFault) return { state: error.state, why: error.message };
    if (error instanceof InvalidDerError)
      return { state: "broken", why: "The signature itself is damaged, or is not in DER." };
    throw error;
  }
}
