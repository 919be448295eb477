import { timestamp, uuid } from "./drizzle.ts";
import { app, bytea } from "./schema.ts";

export const apiKeySecrets = app.table("api_key_secrets", {
  tenantId: uuid("tenant_id").notNull(),
  apiKeyId: uuid("api_key_id").notNull(),
  id: uuid().notNull(),
  /** See accounts/keySecret.ts. */
  sealed: bytea().notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
});
