import { ForbiddenError } from "../errors.ts";

/** What a key may do. `admin` is the platform operator and may do all; `manage` is a tenant's own administration. */
export const SCOPES = ["submit", "query", "manage", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** Who calls: a key of a tenant. */
export type Caller = {
  readonly tenantId: string;
  readonly apiKeyId: string;
  readonly scopes: readonly Scope[];
};

/** @throws {ForbiddenError} 403 with HashAnchor's text (HA-20). */
export function requireScope(caller: Caller, scope: Scope): void {
  if (caller.scopes.includes(scope) || caller.scopes.includes("admin")) return;
  throw new ForbiddenError(
    `Insufficient scope. Required: ${scope === "admin" ? "admin" : `${scope} or admin`}`,
  );
}
