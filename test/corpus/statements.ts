import { createHmac, type KeyObject, sign } from "node:crypto";
import type { OriginStatement } from "#protocol/consentOrigin.ts";
import { HISTORY_STATEMENT_TYPE } from "#protocol/consentReceipts/historyStatement.ts";
import type { ReceiptSigner } from "#test/support/issuedReceipts.ts";
import { createOriginIssuer, type OriginIssuerOptions } from "#test/support/origins.ts";
import { JWT_KEY, JWT_KID, ORIGIN_KEY, ORIGIN_KID, SERVICE } from "./keys.ts";
import { ISSUER, type TestRecord } from "./records.ts";

export const TENANT = "019ac1f0-7e1c-4000-8000-00000000ac3e";
export const STATED_S = Date.parse("2026-03-02T02:00:00Z") / 1_000;

/** By whom a statement is made and delegated to, where not by the service. */
export type OriginBy = OriginIssuerOptions & { signer?: ReceiptSigner };

/** The service's statement that it recorded this, or one that differs from it. */
export function originOf(
  record: TestRecord,
  changes: Partial<OriginStatement> = {},
  { signer = SERVICE, ...options }: OriginBy = {},
): string {
  const { site, created } = record.fields;
  const domain = typeof site === "string" ? ({ site, site_by: "operator" } as const) : {};
  const statement = {
    kind: record.kind,
    digest: `sha256:${record.digest}`,
    tenant: TENANT,
    ...domain,
    iat: Math.floor(Date.parse(String(created)) / 1_000),
    ...changes,
  };
  return createOriginIssuer(signer, { key: ORIGIN_KEY, kid: ORIGIN_KID, ...options }).state(statement);
}

/** A JWT by the service's RSA key. `alg`, `key`: of one that it would not make. */
export function jwtOf(
  claims: object,
  header: Record<string, unknown> = {},
  key: KeyObject = JWT_KEY,
): string {
  const text = signingInput({ alg: "RS256", typ: "JWT", kid: JWT_KID, ...header }, claims);
  return `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
}

/** A JWT with the public key taken for a shared secret. */
export function hmacJwtOf(claims: object, secret: string): string {
  const text = signingInput({ alg: "HS256", typ: "JWT", kid: JWT_KID }, claims);
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

function signingInput(header: object, claims: object): string {
  return [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
}

/** The service's word that a history holds these records and no more. */
export function historyStatementOf(
  records: readonly TestRecord[],
  changes: object = {},
  header: Record<string, unknown> = {},
  key: KeyObject = JWT_KEY,
): string {
  const last = `sha256:${records.at(-1)?.digest}`;
  const claims = { iss: `${ISSUER}/consent/v0`, iat: STATED_S, count: records.length, last, ...changes };
  return jwtOf(claims, { typ: HISTORY_STATEMENT_TYPE, ...header }, key);
}
