import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { apiKeySha256, isApiKey } from "../accounts/apiKey.ts";
import type { AuthenticateKey } from "../accounts/authenticateKey.ts";
import { requireScope, type Scope } from "../accounts/scope.ts";
import { ForbiddenError, RateLimitedError, UnauthorizedError } from "../errors.ts";
import { type AppEnv, setHeader } from "./context.ts";
import type { RequestCount } from "./rateLimit.ts";

export type ApiKeyChecks = {
  authenticateKey: AuthenticateKey;
  /** Hears of every key that was used; must not wait. */
  onKeyUsed: (apiKeyId: string) => void;
};

/**
 * Lets a request through whose key is valid, within its rate limit (HA-13), of an active tenant, and has the scope (HA-20).
 * Every answer from the limit on carries X-RateLimit-Limit and X-RateLimit-Remaining, refusals included.
 */
export function requireApiKey({ authenticateKey, onKeyUsed }: ApiKeyChecks) {
  return (scope: Scope) =>
    createMiddleware<AppEnv>(async (c, next) => {
      const authenticated = await authenticateKey(apiKeySha256(presentedKey(c)));
      if (authenticated === null) throw new UnauthorizedError("Invalid API key");
      const { key, count } = authenticated;
      onKeyUsed(key.id);

      setHeader(c, "X-RateLimit-Limit", String(key.rateLimitPerMinute));
      setHeader(c, "X-RateLimit-Remaining", String(Math.max(0, key.rateLimitPerMinute - count.requests)));
      if (count.requests > key.rateLimitPerMinute) throw new RateLimitedError(count.windowEndsInSeconds);

      if (key.tenantStatus === "suspended") throw new ForbiddenError("Tenant suspended");
      const caller = { tenantId: key.tenantId, apiKeyId: key.id, scopes: key.scopes };
      requireScope(caller, scope);
      c.set("caller", caller);
      await next();
    });
}

/** The key from X-API-Key or Authorization: Bearer. */
function presentedKey(c: Context<AppEnv>): string {
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  const key = c.req.header("x-api-key") ?? bearer;
  if (key === undefined) throw new UnauthorizedError("Missing API key");
  if (!isApiKey(key)) throw new UnauthorizedError("Invalid API key");
  return key;
}

/** Limits a public route per client address. */
export function limitPerAddress(
  countRequest: (subject: string) => Promise<RequestCount>,
  requestsPerMinute: number,
) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const { requests, windowEndsInSeconds } = await countRequest(`address:${c.get("clientAddress")}`);
    if (requests > requestsPerMinute) throw new RateLimitedError(windowEndsInSeconds);
    await next();
  });
}
