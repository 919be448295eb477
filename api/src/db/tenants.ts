import { text, timestamp, uuid } from "drizzle-orm/pg-core";
import { app } from "./schema.ts";

export const tenants = app.table("tenants", {
  id: uuid().primaryKey(),
  name: text().notNull(),
  contactEmail: text("contact_email"),
  status: text({ enum: ["active", "suspended"] })
    .notNull()
    .default("active"),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
});
