import { boolean, integer, primaryKey, text, timestamp, uuid } from "./drizzle.ts";
import { app, bytea } from "./schema.ts";

export const apiKeys = app.table(
  "api_keys",
  {
    tenantId: uuid("tenant_id").notNull(),
    id: uuid().notNull().unique(),
    name: text().notNull(),
    keySha256: bytea("key_sha256").notNull(),
    keyPrefix: text("key_prefix").notNull(),
    scopes: text({ enum: ["submit", "query", "manage", "admin"] })
      .array()
      .notNull(),
    rateLimitPerMinute: integer("rate_limit_per_minute").notNull(),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
    lastUsedAt: timestamp("last_used_at", { withTimezone: true }),
    revokedAt: timestamp("revoked_at", { withTimezone: true }),
    site: text(),
    siteBy: text("site_by", { enum: ["operator", "tenant"] }),
    requireSigning: boolean("require_signing").notNull().default(false),
    requireTimestamp: boolean("require_timestamp").notNull().default(false),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.id] })],
);
