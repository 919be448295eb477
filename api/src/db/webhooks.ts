import { EVENT_TYPES } from "../webhooks/eventTypes.ts";
import { boolean, integer, smallint, text, timestamp, uuid } from "./drizzle.ts";
import { app, bytea } from "./schema.ts";

export const webhooks = app.table("webhooks", {
  tenantId: uuid("tenant_id").notNull(),
  id: uuid().notNull(),
  url: text().notNull(),
  events: text({ enum: EVENT_TYPES }).array().notNull(),
  /** Sealed. */
  secret: bytea().notNull(),
  status: text({ enum: ["active", "disabled"] }).notNull(),
  isFailing: boolean("is_failing").notNull().default(false),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
  updatedAt: timestamp("updated_at", { withTimezone: true }).notNull(),
});

/** pending: its next attempt has a job. delivered, dead, cancelled: it has none, and can be replayed. */
export const DELIVERY_STATUSES = ["pending", "delivered", "dead", "cancelled"] as const;

export const webhookDeliveries = app.table("webhook_deliveries", {
  tenantId: uuid("tenant_id").notNull(),
  webhookId: uuid("webhook_id").notNull(),
  id: uuid().notNull(),
  eventId: uuid("event_id").notNull(),
  eventType: text("event_type", { enum: EVENT_TYPES }).notNull(),
  body: text().notNull(),
  status: text({ enum: DELIVERY_STATUSES }).notNull(),
  attempt: smallint().notNull().default(0),
  attemptedAt: timestamp("attempted_at", { withTimezone: true }),
  httpStatus: smallint("http_status"),
  durationMs: integer("duration_ms"),
  error: text(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
});
