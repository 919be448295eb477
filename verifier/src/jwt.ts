import { base64ToBytes, base64UrlToBytes } from "#protocol/bytes.ts";
import { parseStrictJson } from "#protocol/strictJson.ts";
import { InvalidPinError } from "./pins.ts";
import { type Check, failed, passed } from "./verification.ts";

/** A JWT in its compact form (RFC 7519, RFC 7515 §7.1). */
export type Jwt = { header: unknown; payload: unknown; signedText: string; signature: Uint8Array };

const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const PEM = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/;
const RS256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

export function isJwt(text: unknown): text is string {
  return typeof text === "string" && COMPACT.test(text);
}

/** Null when header or payload is no strict JSON in base64url. */
export function readJwt(text: string): Jwt | null {
  const [header = "", payload = "", signature = ""] = text.split(".");
  try {
    const [readHeader, readPayload] = [header, payload].map((part) =>
      parseStrictJson(new TextDecoder("utf-8", { fatal: true }).decode(base64UrlToBytes(part))),
    );
    if (!readHeader?.ok || !readPayload?.ok) return null;
    return {
      header: readHeader.value,
      payload: readPayload.value,
      signedText: `${header}.${payload}`,
      signature: base64UrlToBytes(signature),
    };
  } catch {
    return null;
  }
}

/**
 * That the JWT is signed with the RSA key of that PEM (RS256, RFC 7518 §3.3). What the record proves needs no such signature; token, issuer and
 * key id of a JWT stand on it alone.
 * @throws {InvalidPinError}
 */
export async function checkJwt(jwt: Jwt | undefined, pem: string | undefined): Promise<Check[]> {
  const kid = String((jwt?.header as { kid?: unknown } | null | undefined)?.kid);
  if (pem === undefined)
    return jwt === undefined ? [] : [{ name: "jwtKey", outcome: "notPinned", claimed: kid }];
  const key = await importPem(pem);
  if (jwt === undefined) return [failed("jwtKey", "badJwtSignature", "no JWT", "no signature to check")];
  const isRs256 = (jwt.header as { alg?: unknown } | null)?.alg === "RS256";
  const isSigned = await crypto.subtle.verify(
    RS256,
    key,
    Uint8Array.from(jwt.signature),
    new TextEncoder().encode(jwt.signedText),
  );
  if (isRs256 && isSigned) return [passed("jwtKey")];
  return [failed("jwtKey", "badJwtSignature", kid, "no signature by the pinned key")];
}

async function importPem(pem: string): Promise<CryptoKey> {
  try {
    const der = base64ToBytes((PEM.exec(pem)?.[1] ?? "").replace(/\s/g, ""));
    return await crypto.subtle.importKey("spki", Uint8Array.from(der), RS256, false, ["verify"]);
  } catch {
    throw new InvalidPinError("jwtKey", "an RSA public key as PEM");
  }
}
