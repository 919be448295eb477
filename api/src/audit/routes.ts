import { defineRoute, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import { listAuditLogs } from "./listAuditLogs.ts";
import { auditListAnswer, auditQuery } from "./wire.ts";

/** The audit log (HA-15), for the platform operator. */
export function auditRoutes({ verbContext }: { verbContext: ReturnType<typeof createVerbContext> }): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/admin/audit-logs",
      summary: "Read the audit log of all tenants, the newest first",
      access: { scope: "admin", action: "audit.list", resourceType: "audit" },
      query: auditQuery,
      answers: { 200: { description: "One page", schema: auditListAnswer } },
      handle: async (c, { query }) => c.json(await listAuditLogs({ ctx: verbContext(c), input: query })),
    }),
  ];
}
