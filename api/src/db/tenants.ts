import { text, timestamp, uuid } from "./drizzle.ts";
import { app } from "./schema.ts";

export const tenants = app.table("tenants", {
  id: uuid().primaryKey(),
  name: text().notNull(),
  contactEmail: text("contact_email"),
  status: text({ enum: ["active", "suspended"] })
    .notNull()
    .default("active"),
  /** Null: no plan, no limit (HA-14). */
  plan: text({ enum: ["free", "basic", "pro"] }),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
});
