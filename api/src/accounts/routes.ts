import { z } from "zod";
import { NotFoundError } from "../errors.ts";
import { type Access, defineRoute, EXAMPLE_ID, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import { createApiKey } from "./createApiKey.ts";
import { createTenant } from "./createTenant.ts";
import { getQuota } from "./getQuota.ts";
import { listApiKeys } from "./listApiKeys.ts";
import { listTenants } from "./listTenants.ts";
import type { PlanLimits } from "./plan.ts";
import { revokeApiKey } from "./revokeApiKey.ts";
import { updateTenant } from "./updateTenant.ts";
import {
  apiKeyListAnswer,
  createApiKeyBody,
  createdApiKeyAnswer,
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
export function accountRoutes({ verbContext, planLimits }: AccountRoutesDeps): Route[] {
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
        const id = c.req.param("id") ?? "";
        if (!z.uuid().safeParse(id).success) throw new NotFoundError("Tenant");
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
    defineRoute({
      method: "post",
      path: "/admin/api-keys",
      summary: "Create an API key",
      description:
        "Of the own tenant; the operator creates keys of every tenant, and only the operator grants `admin`.",
      access: manage("apikey.create", "apikey"),
      body: createApiKeyBody,
      bodyExample: { tenantId: EXAMPLE_ID, name: "production", scopes: ["submit", "query"] },
      answers: {
        201: { description: "Created; the key is shown this once", schema: createdApiKeyAnswer },
        404: { description: "There is no such tenant" },
        409: { description: "A tenant that made 100 keys itself must revoke one first" },
      },
      handle: async (c, { body }) => c.json(await createApiKey({ ctx: verbContext(c), input: body }), 201),
    }),
    defineRoute({
      method: "get",
      path: "/admin/api-keys",
      summary: "List a tenant's API keys",
      access: manage("apikey.list", "apikey"),
      query: listApiKeysQuery,
      answers: { 200: { description: "All of them, revoked ones too", schema: apiKeyListAnswer } },
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
        const id = c.req.param("id") ?? "";
        if (!z.uuid().safeParse(id).success) throw new NotFoundError("API key");
        await revokeApiKey({ ctx: verbContext(c), input: { id } });
        return c.body(null, 204);
      },
    }),
  ];
}
