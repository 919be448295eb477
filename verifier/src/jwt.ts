import { base64ToBytes, base64UrlToBytes } from "#protocol/bytes.ts";
import { parseStrictJson } from "#protocol/strictJson.ts";
import { InvalidPinError } from "./pins.ts";
import { type Check, failed, passed, unchecked } from "./verification.ts";

type Members = Record<string, unknown>;
/** A JWT in its compact form (RFC 7519, RFC 7515 §7.1). */
export type Jwt = { header: Members; payload: Members; signedText: string; signature: Uint8Array };

const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const PEM = /-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----/g;
const RS256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

export function isJwt(text: unknown): text is string {
  return typeof text === "string" && COMPACT.test(text);
}

/** Null when header or payload is no strict JSON object in base64url. */
export function readJwt(text: string): Jwt | null {
  const [header = "", payload = "", signature = ""] = text.split(".");
  try {
    const [readHeader, readPayload] = [header, payload].map(readPart);
    if (!readHeader || !readPayload) return null;
    return {
      header: readHeader,
      payload: readPayload,
      signedText: `${header}.${payload}`,
      signature: base64UrlToBytes(signature),
    };
  } catch {
    return null;
  }
}

function readPart(part: string): Members | null {
  const read = parseStrictJson(new TextDecoder("utf-8", { fatal: true }).decode(base64UrlToBytes(part)));
  const isObject = read.ok && typeof read.value === "object" && read.value !== null;
  return isObject && !Array.isArray(read.value) ? (read.value as Members) : null;
}

/** `signedAtS`: when it was signed, where the JWT tells; seconds since 1970. */
export type JwtUse = { typ?: string; signedAtS?: number | undefined };

/**
 * That the JWT is of that type and signed with one of the pinned RSA keys (RS256, RFC 7518 §3.3). What the record proves needs no such signature;
 * token, issuer and key id of a JWT stand on it alone.
 * @param pinned PEM, or a JWK set (RFC 7517 §5), of one key or several.
 * @throws {InvalidPinError}
 */
export async function checkJwt(
  jwt: Jwt | undefined,
  pinned: string | undefined,
  { typ = "JWT", signedAtS }: JwtUse = {},
): Promise<Check[]> {
  const kid = String(jwt?.header.kid);
  if (pinned === undefined)
    return jwt === undefined ? [] : [{ name: "jwtKey", outcome: "notPinned", claimed: kid }];
  // Browsers have it on https and on localhost alone.
  if (globalThis.crypto?.subtle === undefined) return [unchecked("jwtKey", "noWebCrypto")];
  const keys = await importKeys(pinned, signedAtS);
  // Whoever always names every key may be given what no such key signs.
  if (jwt === undefined) return [];
  const { alg, typ: claimedTyp, crit } = jwt.header;
  const isOfForm = alg === "RS256" && claimedTyp === typ && crit === undefined;
  if (isOfForm && (await isSigned(jwt, keys))) return [passed("jwtKey")];
  return [failed("jwtKey", "badJwtSignature", kid, "no signature by a pinned key")];
}

async function isSigned({ signature, signedText }: Jwt, keys: CryptoKey[]): Promise<boolean> {
  const text = new TextEncoder().encode(signedText);
  for (const key of keys)
    if (await crypto.subtle.verify(RS256, key, Uint8Array.from(signature), text)) return true;
  return false;
}

/** Keys are tried one after the other, as PEM names none. */
async function importKeys(pinned: string, signedAtS: number | undefined): Promise<CryptoKey[]> {
  try {
    if (pinned.trimStart().startsWith("{")) return await importJwks(pinned, signedAtS);
    const keys = await importPems(pinned);
    if (keys.length > 0) return keys;
  } catch {
    // The same answer as for a text without a key.
  }
  throw new InvalidPinError("jwtKey", "an RSA public key as PEM, or a JWK set with one");
}

function importPems(text: string): Promise<CryptoKey[]> {
  const ders = [...text.matchAll(PEM)].map(([, body]) => base64ToBytes(body!.replace(/\s/g, "")));
  return Promise.all(
    ders.map((der) => crypto.subtle.importKey("spki", Uint8Array.from(der), RS256, false, ["verify"])),
  );
}

/** Those of the set that may have signed at that time: an issuer lists its retired keys with their end. @throws when there is no RSA key at all. */
function importJwks(text: string, signedAtS = 0): Promise<CryptoKey[]> {
  const { keys } = JSON.parse(text) as { keys: (JsonWebKey & { exp?: unknown })[] };
  // Key sets hold keys for other purposes, too.
  const rsa = keys.filter(({ kty, alg }) => kty === "RSA" && (alg ?? "RS256") === "RS256");
  if (rsa.length === 0) throw new Error("no RSA key");
  const inTime = rsa.filter(({ exp }) => typeof exp !== "number" || signedAtS <= exp);
  return Promise.all(
    inTime.map(({ kty, n, e }) =>
      crypto.subtle.importKey("jwk", { kty, n, e } as JsonWebKey, RS256, false, ["verify"]),
    ),
  );
}
