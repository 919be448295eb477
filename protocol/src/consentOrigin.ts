import { base64UrlToBytes, bytesToBase64Url, type Hex } from "./bytes.ts";
import { isSignatureOf } from "./receiptSignature.ts";
import { parseStrictJson } from "./strictJson.ts";

/** Which surface of the service recorded a consent; `erasure`: the record of an erasure itself. */
export const ORIGIN_KINDS = [
  "consent-log",
  "consent-receipts",
  "consent-gate",
  "consent-proof",
  "erasure",
] as const;
export type OriginKind = (typeof ORIGIN_KINDS)[number];

/**
 * The service's signed word that it recorded a consent (protocol §7): claims of a JWT (RFC 7519).
 * It says nothing of who consented to what: subject, visitor and choice are the tenant's word.
 */
export type OriginStatement = {
  kind: OriginKind;
  /** The record digest: `sha256:` and 64 hex digits. */
  digest: string;
  /** Id of the service's customer that recorded it: tells apart two that name the same domain. */
  tenant: string;
  /** Domain that the API key speaks for; absent for a key without one. */
  site?: string;
  /** By whose word it does. A tenant may name any domain. */
  site_by?: "operator" | "tenant";
  /** When it was recorded, by the service's clock; seconds since 1970, rounded down. */
  iat: number;
};

/** The receipt key's signed word that another key signs origin statements. Claims of a JWT. */
export type OriginDelegation = {
  /** Seconds since 1970. */
  iat: number;
  /** No statement is made by the key after this; seconds since 1970. */
  exp: number;
  /** RFC 7800 §3.2. `x`: base64url of the 32 raw bytes. */
  cnf: { jwk: { kty: "OKP"; crv: "Ed25519"; x: string; kid: string } };
};

/** `typ` of the two JWS headers, so that neither stands in for the other or for a receipt. */
export const ORIGIN_STATEMENT_TYPE = "holdfast-origin+jwt";
export const ORIGIN_DELEGATION_TYPE = "holdfast-origin-key+jwt";

/** A compact JWS (RFC 7515 §7.1) with EdDSA (RFC 8037 §3.1) that was read, and not yet verified. */
export type OriginJws<Claims> = {
  kid: string;
  claims: Claims;
  signingInput: Uint8Array;
  signature: Uint8Array;
};

/** `delegation` is null where the service has not said whose key signed the statement. */
export type Origin = {
  statement: OriginJws<OriginStatement>;
  delegation: OriginJws<OriginDelegation> | null;
};

/** Stands between statement and delegation, as between the parts of an SD-JWT (RFC 9901 §4). */
const SEPARATOR = "~";
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** As browsers compare domains: ASCII in lower case. A statement is read aloud, so no other text may stand there. */
const DOMAIN = /^[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_])?$/;
const utf8 = new TextEncoder();

/** The ASCII text under the statement's signature; the same record gives the same text. */
export function originSigningInput(
  kid: string,
  { kind, digest, tenant, site, site_by, iat }: OriginStatement,
): string {
  const domain = site === undefined ? {} : { site, site_by };
  return signingInput(ORIGIN_STATEMENT_TYPE, kid, { kind, digest, tenant, ...domain, iat });
}

/** The same of a delegation. `kid`: of the receipt key that signs it. */
export function delegationSigningInput(kid: string, { iat, exp, cnf }: OriginDelegation): string {
  return signingInput(ORIGIN_DELEGATION_TYPE, kid, { iat, exp, cnf });
}

function signingInput(typ: string, kid: string, claims: object): string {
  const encode = (part: object) => bytesToBase64Url(utf8.encode(JSON.stringify(part)));
  return `${encode({ alg: "EdDSA", typ, kid })}.${encode(claims)}`;
}

/** @param signature 64 bytes. */
export function compactJws(input: string, signature: Uint8Array): string {
  return `${input}.${bytesToBase64Url(signature)}`;
}

/** A statement as it goes along with a record: the JWS, and the delegation's JWS where there is one. */
export function joinOrigin(statement: string, delegation: string | null): string {
  return delegation === null ? statement : `${statement}${SEPARATOR}${delegation}`;
}

/** Null for anything but an origin, one of a kind that is not known among them. Says nothing about whether it is true. */
export function parseOrigin(text: unknown): Origin | null {
  if (typeof text !== "string") return null;
  const [first, second, ...more] = text.split(SEPARATOR);
  if (more.length > 0) return null;
  const statement = readJws(first ?? "", ORIGIN_STATEMENT_TYPE, isStatement);
  if (statement === null) return null;
  if (second === undefined) return { statement, delegation: null };
  const delegation = readJws(second, ORIGIN_DELEGATION_TYPE, isDelegation);
  return delegation && { statement, delegation };
}

/** @param publicKey 32 bytes. */
export function isOriginSigned(jws: OriginJws<unknown>, publicKey: Uint8Array): boolean {
  return isSignatureOf(publicKey, jws.signingInput, jws.signature);
}

/** @param recordDigest as a content hash. */
export function originDigest(recordDigest: Hex): string {
  return `sha256:${recordDigest.slice(2).toLowerCase()}`;
}

function readJws<Claims>(
  text: string,
  typ: string,
  isClaims: (claims: unknown) => claims is Claims,
): OriginJws<Claims> | null {
  const parts = text.split(".");
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || !header || !payload || !signature) return null;
  try {
    const { alg, typ: claimedTyp, kid, crit } = (readPart(header) ?? {}) as Record<string, unknown>;
    const claims = readPart(payload);
    const isOfForm = alg === "EdDSA" && claimedTyp === typ && typeof kid === "string" && crit === undefined;
    if (!isOfForm || !isClaims(claims)) return null;
    const input = utf8.encode(`${header}.${payload}`);
    return { kid, claims, signingInput: input, signature: base64UrlToBytes(signature) };
  } catch {
    return null;
  }
}

function readPart(part: string): unknown {
  const read = parseStrictJson(new TextDecoder("utf-8", { fatal: true }).decode(base64UrlToBytes(part)));
  return read.ok ? read.value : null;
}

function isStatement(claims: unknown): claims is OriginStatement {
  const said = (claims ?? {}) as Partial<Record<keyof OriginStatement, unknown>>;
  const { kind, digest, tenant, site, site_by, iat } = said;
  const isDomain =
    typeof site === "string" && DOMAIN.test(site) && (site_by === "operator" || site_by === "tenant");
  return (
    (ORIGIN_KINDS as readonly unknown[]).includes(kind) &&
    typeof digest === "string" &&
    DIGEST.test(digest) &&
    typeof tenant === "string" &&
    UUID.test(tenant) &&
    ((site === undefined && site_by === undefined) || isDomain) &&
    isTime(iat)
  );
}

function isDelegation(claims: unknown): claims is OriginDelegation {
  const { iat, exp, cnf } = (claims ?? {}) as Partial<Record<keyof OriginDelegation, unknown>>;
  const { kty, crv, x, kid } = ((cnf as { jwk?: object } | undefined)?.jwk ?? {}) as Record<string, unknown>;
  const isKey = kty === "OKP" && crv === "Ed25519" && typeof kid === "string" && typeof x === "string";
  return isTime(iat) && isTime(exp) && isKey && base64UrlToBytes(x).length === 32;
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
