import { smallint, text, timestamp, uuid } from "./drizzle.ts";
import { app } from "./schema.ts";

export const auditLogs = app.table("audit_logs", {
  tenantId: uuid("tenant_id").notNull(),
  requestId: uuid("request_id").notNull(),
  apiKeyId: uuid("api_key_id"),
  action: text().notNull(),
  resourceType: text("resource_type").notNull(),
  resourceId: text("resource_id"),
  ipAddress: text("ip_address"),
  statusCode: smallint("status_code").notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
});
