import { Hono } from "hono";
import { z } from "zod";
import { NotFoundError } from "../errors.ts";
import { parseInput, readJson } from "../http/body.ts";
import type { AppEnv } from "../http/context.ts";
import type { requireApiKey } from "../http/requireApiKey.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import { createApiKey } from "./createApiKey.ts";
import { createTenant } from "./createTenant.ts";
import { listApiKeys } from "./listApiKeys.ts";
import { listTenants } from "./listTenants.ts";
import { revokeApiKey } from "./revokeApiKey.ts";
import { createApiKeyBody, createTenantBody, listApiKeysQuery, pageQuery } from "./wire.ts";

export type AccountRoutesDeps = {
  requireKey: ReturnType<typeof requireApiKey>;
  verbContext: ReturnType<typeof createVerbContext>;
};

/** `/admin/tenants` and `/admin/api-keys` (HA-16): the platform operator's. */
export function accountRoutes({ requireKey, verbContext }: AccountRoutesDeps) {
  const routes = new Hono<AppEnv>();
  const admin = requireKey.now("admin");

  routes.post("/admin/tenants", admin, async (c) => {
    const input = await readJson(c, createTenantBody);
    return c.json(await createTenant({ ctx: verbContext(c), input }), 201);
  });
  routes.get("/admin/tenants", admin, async (c) => {
    const input = parseInput(pageQuery, c.req.query(), "query");
    return c.json(await listTenants({ ctx: verbContext(c), input }));
  });
  routes.post("/admin/api-keys", admin, async (c) => {
    const input = await readJson(c, createApiKeyBody);
    return c.json(await createApiKey({ ctx: verbContext(c), input }), 201);
  });
  routes.get("/admin/api-keys", admin, async (c) => {
    const input = parseInput(listApiKeysQuery, c.req.query(), "query");
    return c.json(await listApiKeys({ ctx: verbContext(c), input }));
  });
  routes.delete("/admin/api-keys/:id", admin, async (c) => {
    const id = c.req.param("id");
    if (!z.uuid().safeParse(id).success) throw new NotFoundError("API key");
    await revokeApiKey({ ctx: verbContext(c), input: { id } });
    return c.body(null, 204);
  });
  return routes;
}
