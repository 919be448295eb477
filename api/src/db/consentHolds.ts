import { primaryKey, text, timestamp, uuid } from "./drizzle.ts";
import { app, bytea } from "./schema.ts";

export const consentHolds = app.table(
  "consent_holds",
  {
    tenantId: uuid("tenant_id").notNull(),
    id: uuid().notNull(),
    personDigest: bytea("person_digest"),
    consentId: uuid("consent_id"),
    reason: text().notNull(),
    placedAt: timestamp("placed_at", { withTimezone: true }).notNull(),
    releasedAt: timestamp("released_at", { withTimezone: true }),
    releaseReason: text("release_reason"),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.id] })],
);
