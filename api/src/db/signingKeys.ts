import { text, timestamp } from "./drizzle.ts";
import { app, bytea } from "./schema.ts";

export const signingKeys = app.table("signing_keys", {
  kid: text().primaryKey(),
  publicKey: bytea("public_key").notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
  retiredAt: timestamp("retired_at", { withTimezone: true }),
});
