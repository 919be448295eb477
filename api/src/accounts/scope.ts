import { ForbiddenError } from "../errors.ts";
import type { Plan } from "./plan.ts";

/** What a key may do. `admin` is the platform operator and may do all; `manage` is a tenant's own administration. */
export const SCOPES = ["submit", "query", "manage", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** What no scopes at all stand for; never `admin`. */
export const SCOPES_BY_DEFAULT: Scope[] = ["submit", "query", "manage"];
/** What an account may do with its own tenant (HA-1): all but submit, which is a program's. */
export const SCOPES_OF_ACCOUNTS: Scope[] = ["query", "manage"];

/** Who gave a key its domain. A tenant may name any, so its word is not the operator's. */
export type SiteBy = "operator" | "tenant";

/** What a key says of its requests beside what they may do (protocol §9). */
export type KeyAttributes = {
  /** The domain that it speaks for: ASCII, in lower case. */
  readonly site: string | null;
  /** By whose word it speaks for that domain; null without one. */
  readonly siteBy: SiteBy | null;
  /** Its POST requests to the consent log, documents, erasures and holds must be signed (HE-9). */
  readonly requireSigning: boolean;
  /** Its consent gate requests must bring `X-Timestamp` and `X-Nonce`. */
  readonly requireTimestamp: boolean;
};

/** Who calls: a key of a tenant, or an account of it, which has no attributes. */
export type Caller = {
  readonly tenantId: string;
  /** Null for an account. */
  readonly apiKeyId: string | null;
  readonly scopes: readonly Scope[];
  readonly plan: Plan | null;
  readonly rateLimitPerMinute: number;
  /** The caller may do this as long as `app.access_version` holds this value. */
  readonly accessVersion: string;
} & KeyAttributes;

/** The scope itself, or `admin`, which stands for all. */
export function hasScope({ scopes }: Pick<Caller, "scopes">, scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes("admin");
}

/** @throws {ForbiddenError} 403 with HashAnchor's text (HA-20). */
export function requireScope(caller: Pick<Caller, "scopes">, scope: Scope): void {
  if (hasScope(caller, scope)) return;
  throw new ForbiddenError(
    `Insufficient scope. Required: ${scope === "admin" ? "admin" : `${scope} or admin`}`,
  );
}
