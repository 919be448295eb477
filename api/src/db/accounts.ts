import { text, timestamp, uuid } from "./drizzle.ts";
import { app } from "./schema.ts";

export const accounts = app.table("accounts", {
  tenantId: uuid("tenant_id").notNull(),
  id: uuid().notNull(),
  name: text().notNull(),
  /** Lower case. */
  email: text().notNull(),
  passwordHash: text("password_hash").notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
});
