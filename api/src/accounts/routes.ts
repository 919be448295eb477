import type { Context } from "hono";
import { z } from "zod";
import { NotFoundError } from "../errors.ts";
import type { AppEnv } from "../http/context.ts";
import { type CountRequest, limitRequests } from "../http/rateLimit.ts";
import { type Access, defineRoute, EXAMPLE_ID, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import type { SecretBox } from "../secrets/secretBox.ts";
import { addKeySecret } from "./addKeySecret.ts";
import { createApiKey } from "./createApiKey.ts";
import { createTenant } from "./createTenant.ts";
import { deleteKeySecret } from "./deleteKeySecret.ts";
import { getQuota } from "./getQuota.ts";
import { listApiKeys } from "./listApiKeys.ts";
import { listTenants } from "./listTenants.ts";
import type { PlanLimits, PlanRateLimits } from "./plan.ts";
import { revokeApiKey } from "./revokeApiKey.ts";
import { hasScope } from "./scope.ts";
import { updateTenant } from "./updateTenant.ts";
import {
  apiKeyListAnswer,
  createApiKeyBody,
  createdApiKeyAnswer,
  createdKeySecretAnswer,
  createTenantBody,
  listApiKeysQuery,
  pageQuery,
  quotaAnswer,
  tenantAnswer,
  tenantListAnswer,
  updateTenantBody,
} from "./wire.ts";

export type AccountRoutesDeps = {
  verbContext: ReturnType<typeof createVerbContext>;
  planLimits: PlanLimits;
  planRateLimits: PlanRateLimits;
  /** Null when no secret is configured. */
  secretBox: SecretBox | null;
  countRequest: CountRequest;
};

/** Changes of keys and their secrets, of a tenant in a minute: each one makes every process look at all keys anew. */
const KEY_CHANGES_PER_MINUTE = 200;

/** @throws {RateLimitedError} for a tenant; the operator may change as many as there are. */
const limitKeyChanges = (countRequest: CountRequest) => async (c: Context<AppEnv>) => {
  const caller = c.get("caller");
  if (hasScope(caller, "admin")) return;
  await limitRequests(countRequest, `key changes:${caller.tenantId}`, KEY_CHANGES_PER_MINUTE);
};

const manage = (action: `${string}.${string}`, resourceType: string): Access => ({
  scope: "manage",
  action,
  resourceType,
});
const admin = (action: `${string}.${string}`, resourceType: string): Access => ({
  scope: "admin",
  action,
  resourceType,
});

/** `/admin/tenants` (HA-16), the operator's; `/admin/api-keys`, also of each tenant's own; `/v1/quota` (HA-6). */
export function accountRoutes(deps: AccountRoutesDeps): Route[] {
  return [...tenantRoutes(deps), ...keyRoutes(deps), ...keySecretRoutes(deps)];
}

function tenantRoutes({ verbContext, planLimits }: AccountRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/admin/tenants",
      summary: "Create a tenant",
      access: admin("tenant.create", "tenant"),
      body: createTenantBody,
      bodyExample: { name: "Acme", contactEmail: "it@acme.example" },
      answers: { 201: { description: "Created", schema: tenantAnswer } },
      handle: async (c, { body }) => c.json(await createTenant({ ctx: verbContext(c), input: body }), 201),
    }),
    defineRoute({
      method: "get",
      path: "/admin/tenants",
      summary: "List tenants, the newest first",
      access: admin("tenant.list", "tenant"),
      query: pageQuery,
      answers: { 200: { description: "One page", schema: tenantListAnswer } },
      handle: async (c, { query }) => c.json(await listTenants({ ctx: verbContext(c), input: query })),
    }),
    defineRoute({
      method: "patch",
      path: "/admin/tenants/:id",
      summary: "Change a tenant's plan or status",
      description:
        "A suspended tenant neither reads nor writes; what it anchored stays verifiable by everybody.",
      access: admin("tenant.update", "tenant"),
      params: { id: { schema: z.uuid(), description: "The tenant's id", example: EXAMPLE_ID } },
      body: updateTenantBody,
      bodyExample: { plan: "pro", status: "active" },
      answers: {
        200: { description: "The tenant as it is now", schema: tenantAnswer },
        404: { description: "There is no such tenant" },
      },
      handle: async (c, { body }) => {
        const id = uuidParam(c, "id", "Tenant");
        return c.json(await updateTenant({ ctx: verbContext(c), input: { ...body, id } }));
      },
    }),
    defineRoute({
      method: "get",
      path: "/v1/quota",
      summary: "What you may still submit this month, and ask this minute",
      access: { scope: "query", action: "quota.view", resourceType: "quota" },
      answers: { 200: { description: "Without a plan there is no monthly limit", schema: quotaAnswer } },
      handle: async (c) => c.json(await getQuota({ ctx: verbContext(c), planLimits })),
    }),
  ];
}

function keyRoutes({ verbContext, countRequest, ...deps }: AccountRoutesDeps): Route[] {
  const limitChanges = limitKeyChanges(countRequest);
  return [
    defineRoute({
      method: "post",
      path: "/admin/api-keys",
      summary: "Create an API key",
      description:
        "Of the own tenant; the operator creates keys of every tenant, and only the operator grants `admin`. No scopes stand for submit, query and manage.",
      access: manage("apikey.create", "apikey"),
      body: createApiKeyBody,
      bodyExample: { tenantId: EXAMPLE_ID, name: "production", scopes: ["submit", "query"] },
      answers: {
        201: { description: "Created; the key is shown this once", schema: createdApiKeyAnswer },
        404: { description: "There is no such tenant" },
        409: { description: "A tenant that made 100 keys itself must revoke one first" },
      },
      handle: async (c, { body }) => {
        await limitChanges(c);
        return c.json(await createApiKey(deps, { ctx: verbContext(c), input: body }), 201);
      },
    }),
    defineRoute({
      method: "get",
      path: "/admin/api-keys",
      summary: "List a tenant's API keys",
      access: manage("apikey.list", "apikey"),
      query: listApiKeysQuery,
      answers: {
        200: { description: "All of them, revoked ones too", schema: apiKeyListAnswer },
        404: { description: "It is another tenant, and you are not the operator" },
      },
      handle: async (c, { query }) => c.json(await listApiKeys({ ctx: verbContext(c), input: query })),
    }),
    defineRoute({
      method: "delete",
      path: "/admin/api-keys/:id",
      summary: "Revoke an API key",
      description: "Every process refuses it from the next request on.",
      access: manage("apikey.revoke", "apikey"),
      params: { id: { schema: z.uuid(), description: "The key's id", example: EXAMPLE_ID } },
      answers: {
        204: { description: "Revoked, now or before" },
        404: { description: "There is no such key" },
      },
      handle: async (c) => {
        await limitChanges(c);
        await revokeApiKey({ ctx: verbContext(c), input: { id: uuidParam(c, "id", "API key") } });
        return c.body(null, 204);
      },
    }),
  ];
}

function keySecretRoutes({ verbContext, secretBox, countRequest }: AccountRoutesDeps): Route[] {
  const limitChanges = limitKeyChanges(countRequest);
  const id = { schema: z.uuid(), description: "The key's id", example: EXAMPLE_ID };
  const secretId = { schema: z.uuid(), description: "The secret's id", example: EXAMPLE_ID };
  return [
    defineRoute({
      method: "post",
      path: "/admin/api-keys/:id/secrets",
      summary: "Add an HMAC secret to a key",
      description: "To replace one: add the new one, change the clients over, delete the old one.",
      access: manage("apikey.add_secret", "apikey"),
      params: { id },
      answers: {
        201: { description: "Added; the secret is shown this once", schema: createdKeySecretAnswer },
        404: { description: "There is no such key" },
        409: { description: "The key has five secrets, or is revoked" },
      },
      handle: async (c) => {
        await limitChanges(c);
        const input = { apiKeyId: uuidParam(c, "id", "API key") };
        return c.json(await addKeySecret({ secretBox }, { ctx: verbContext(c), input }), 201);
      },
    }),
    defineRoute({
      method: "delete",
      path: "/admin/api-keys/:id/secrets/:secretId",
      summary: "Delete an HMAC secret of a key",
      description: "No process takes it from the next request on.",
      access: manage("apikey.delete_secret", "apikey"),
      params: { id, secretId },
      answers: {
        204: { description: "Deleted" },
        404: { description: "There is no such key, or it has no such secret" },
      },
      handle: async (c) => {
        await limitChanges(c);
        const apiKeyId = uuidParam(c, "id", "API key");
        const input = { apiKeyId, secretId: uuidParam(c, "secretId", "HMAC secret") };
        await deleteKeySecret({ ctx: verbContext(c), input });
        return c.body(null, 204);
      },
    }),
  ];
}

/** @throws {NotFoundError} for what is no UUID: nothing has such an id. */
function uuidParam(c: Context<AppEnv>, name: string, what: string): string {
  const id = c.req.param(name) ?? "";
  if (!z.uuid().safeParse(id).success) throw new NotFoundError(what);
  return id;
}
