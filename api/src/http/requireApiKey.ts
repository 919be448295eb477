import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { apiKeySha256, isApiKey } from "../accounts/apiKey.ts";
import type { ActiveApiKey, ApiKeyDirectory } from "../accounts/apiKeyDirectory.ts";
import type { Account } from "../accounts/findAccount.ts";
import type { Quota } from "../accounts/plan.ts";
import {
  type Caller,
  hasScope,
  type KeyAttributes,
  requireScope,
  SCOPES_OF_ACCOUNTS,
  type Scope,
} from "../accounts/scope.ts";
import { ApiError, ForbiddenError, RateLimitedError, UnauthorizedError } from "../errors.ts";
import { networkOf } from "./clientAddress.ts";
import { type AppEnv, setHeader } from "./context.ts";
import { type CountRequest, limitRequests } from "./rateLimit.ts";
import type { KeyAccess } from "./route.ts";

/** Requests per minute of an account. */
const ACCOUNT_RATE_LIMIT = 600;

const NO_ATTRIBUTES: KeyAttributes = {
  site: null,
  siteBy: null,
  requireSigning: false,
  requireTimestamp: false,
};

type Admitted = Omit<ActiveApiKey, "id"> & { id: string | null };

export type ApiKeyChecks = {
  apiKeys: ApiKeyDirectory;
  /** The account that a token was issued to, with its tenant as they are now; null for a token that is not good. */
  findAccountByToken: (token: string) => Promise<Account | null>;
  /** SHA-256 of the key that an access token stands for (SG-11); null for what is no good one. */
  keySha256OfAccessToken: (token: string) => Promise<Buffer | null>;
  countRequest: CountRequest;
  /** Of the tenant's plan; null without one. */
  readQuota: (tenantId: string) => Promise<Quota | null>;
  /** Requests without a good key or token from one network, per minute: each costs a look-up. */
  refusalsPerMinute: number;
  /** Hears of every key that was used; must not wait. */
  onKeyUsed: (apiKeyId: string) => void;
};

/**
 * Lets a request through whose key is valid, within its rate limit (HA-13), of an active tenant, and has the scope (HA-20).
 * Every answer from the limit on carries X-RateLimit-Limit and X-RateLimit-Remaining, refusals included.
 * Routes whose own statement checks the caller's access version (`checked: "inStatement"`, see submitHashes.ts) save the round
 * trip that asks for it; a revoked key is refused from the next request on by all.
 */
export function requireApiKey(checks: ApiKeyChecks) {
  const { apiKeys, findAccountByToken, countRequest, onKeyUsed } = checks;

  function admitKey(c: Context<AppEnv>, key: ActiveApiKey, access: KeyAccess): Promise<void> {
    c.set("authenticated", { tenantId: key.tenantId, apiKeyId: key.id });
    onKeyUsed(key.id);
    return admit(c, key, `key:${key.id}`, access);
  }

  /** An account's token stands for a key with the scopes of accounts. */
  async function admitAccount(c: Context<AppEnv>, token: string, access: KeyAccess): Promise<void> {
    const account = await findAccountByToken(token);
    if (account === null) throw new UnauthorizedError("Invalid token");
    const { id, tenantId, tenantStatus, plan } = account;
    c.set("authenticated", { tenantId, apiKeyId: null });
    c.set("accountId", id);
    const scopes = SCOPES_OF_ACCOUNTS;
    const likeKey = { id: null, tenantId, tenantStatus, plan, scopes, accessVersion: "", ...NO_ATTRIBUTES };
    await admit(c, { ...likeKey, rateLimitPerMinute: ACCOUNT_RATE_LIMIT }, `account:${id}`, access);
  }

  async function admit(c: Context<AppEnv>, key: Admitted, subject: string, access: KeyAccess): Promise<void> {
    const { rateLimitPerMinute } = key;
    const count = await countRequest(subject, rateLimitPerMinute);
    setHeader(c, "X-RateLimit-Limit", String(rateLimitPerMinute));
    setHeader(c, "X-RateLimit-Remaining", String(Math.max(0, rateLimitPerMinute - count.requests)));
    if (count.requests > rateLimitPerMinute) {
      const quota = access.countsToQuota ? await checks.readQuota(key.tenantId) : null;
      throw new RateLimitedError(count.windowEndsInSeconds, quota);
    }
    c.set("caller", toCaller(key, access.scope));
  }

  /** Counts a 401 to the network that it goes to, and throws it or, over that limit, a 429. */
  async function refuse(c: Context<AppEnv>, error: unknown): Promise<never> {
    if (error instanceof UnauthorizedError) {
      const subject = `refused:${networkOf(c.get("clientAddress"))}`;
      await limitRequests(countRequest, subject, checks.refusalsPerMinute);
    }
    throw error;
  }

  /** SHA-256 of the key that the request brings, or that its access token stands for; null for an account's token. */
  async function keySha256Of(c: Context<AppEnv>, { byAccessToken }: KeyAccess): Promise<Buffer | null> {
    const token = presentedToken(c);
    if (token === null) return presentedKey(c);
    return byAccessToken ? checks.keySha256OfAccessToken(token) : null;
  }

  async function check(c: Context<AppEnv>, access: KeyAccess): Promise<void> {
    const token = presentedToken(c);
    if (token === null && access.by === "account") throw new UnauthorizedError("Missing token");
    const sha256 = await keySha256Of(c, access);
    if (sha256 === null) await admitAccount(c, token!, access);
    else await admitKey(c, known(await apiKeys.find(sha256)), access);
  }

  /** The key as it was last read; `renewCaller` is for the statement that checks it. */
  async function recallKey(c: Context<AppEnv>, sha256: Buffer, scope: Scope): Promise<ActiveApiKey> {
    c.set("renewCaller", async () => toCaller(known(await apiKeys.find(sha256)), scope));
    const recalled = apiKeys.recall(sha256) ?? known(await apiKeys.find(sha256));
    return mayEnter(recalled, scope) ? recalled : known(await apiKeys.find(sha256));
  }

  const checkNow = (access: KeyAccess) =>
    createMiddleware<AppEnv>(async (c, next) => {
      await check(c, access).catch((error) => refuse(c, error));
      await next();
    });

  const checkInStatement = (access: KeyAccess) =>
    createMiddleware<AppEnv>(async (c, next) => {
      let key: ActiveApiKey | null = null;
      try {
        const sha256 = await keySha256Of(c, access);
        // An account is read anew for every request: no statement need check it.
        if (sha256 === null) await check(c, access);
        else key = await recallKey(c, sha256, access.scope);
      } catch (error) {
        await refuse(c, error);
      }
      if (key === null) return next();
      try {
        await admitKey(c, key, access);
        await next();
        if (c.error !== undefined) throw c.error;
      } catch (error) {
        // No statement has checked the key of a request that is refused: a revoked one learns nothing else.
        if (error instanceof ApiError && error.status < 500)
          await c
            .get("renewCaller")()
            .catch((refusal) => refuse(c, refusal));
        throw error;
      }
    });

  return (access: KeyAccess) =>
    access.checked === "inStatement" ? checkInStatement(access) : checkNow(access);
}

/** @throws {UnauthorizedError} for the key that is not there. */
function known(key: ActiveApiKey | null): ActiveApiKey {
  if (key === null) throw new UnauthorizedError("Invalid API key");
  return key;
}

function mayEnter(key: ActiveApiKey, scope: Scope): boolean {
  return key.tenantStatus === "active" && hasScope(key, scope);
}

/** @throws {ForbiddenError} when the tenant is suspended or the scope is missing. */
function toCaller(key: Admitted, scope: Scope): Caller {
  if (key.tenantStatus === "suspended") throw new ForbiddenError("Tenant suspended");
  const caller = {
    tenantId: key.tenantId,
    apiKeyId: key.id,
    scopes: key.scopes,
    plan: key.plan,
    rateLimitPerMinute: key.rateLimitPerMinute,
    accessVersion: key.accessVersion,
    site: key.site,
    siteBy: key.siteBy,
    requireSigning: key.requireSigning,
    requireTimestamp: key.requireTimestamp,
  };
  requireScope(caller, scope);
  return caller;
}

/** An account token from Authorization: Bearer, told from a key by its form (RFC 7519 §3); null when there is none. */
function presentedToken(c: Context<AppEnv>): string | null {
  if (c.req.header("x-api-key") !== undefined) return null;
  const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  return token ?? null;
}

/** SHA-256 of the key that came. @throws {UnauthorizedError} when none came, or nothing that could be one. */
function presentedKey(c: Context<AppEnv>): Buffer {
  const key = presentedApiKey(c);
  if (key === undefined) throw new UnauthorizedError("Missing API key");
  if (!isApiKey(key)) throw new UnauthorizedError("Invalid API key");
  return apiKeySha256(key);
}

/** What came as a key, in X-API-Key or in Authorization: Bearer. */
export function presentedApiKey(c: Context<AppEnv>): string | undefined {
  return c.req.header("x-api-key") ?? /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
}

/** Limits a public route per client address. */
export function limitPerAddress(countRequest: CountRequest, requestsPerMinute: number) {
  return createMiddleware<AppEnv>(async (c, next) => {
    await limitRequests(countRequest, `address:${networkOf(c.get("clientAddress"))}`, requestsPerMinute);
    await next();
  });
}
