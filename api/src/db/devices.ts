import { bigint, jsonb, primaryKey, text, timestamp, uuid } from "./drizzle.ts";
import { app, bytea } from "./schema.ts";

export const devices = app.table(
  "devices",
  {
    tenantId: uuid("tenant_id").notNull(),
    id: uuid().notNull(),
    /** The tenant's deviceId. */
    name: text().notNull(),
    /** What it signs with now, or signed with last. */
    keyId: uuid("key_id").notNull(),
    metadata: jsonb().$type<Record<string, unknown>>(),
    submissions: bigint({ mode: "number" }).notNull().default(0),
    lastSubmittedAt: timestamp("last_submitted_at", { withTimezone: true }),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
    revokedAt: timestamp("revoked_at", { withTimezone: true }),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.id] })],
);

export const deviceKeys = app.table(
  "device_keys",
  {
    tenantId: uuid("tenant_id").notNull(),
    deviceId: uuid("device_id").notNull(),
    id: uuid().notNull(),
    algorithm: text({ enum: ["ed25519", "secp256k1"] }).notNull(),
    publicKey: bytea("public_key").notNull(),
    validFrom: timestamp("valid_from", { withTimezone: true }).notNull(),
    /** Null while the device signs with it. */
    validUntil: timestamp("valid_until", { withTimezone: true }),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.deviceId, table.id] })],
);
