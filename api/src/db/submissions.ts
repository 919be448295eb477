import { bigint, integer, jsonb, primaryKey, text, timestamp, uuid } from "drizzle-orm/pg-core";
import { app, bytea } from "./schema.ts";

export const submissions = app.table(
  "submissions",
  {
    contentHash: bytea("content_hash").notNull(),
    tenantId: uuid("tenant_id").notNull(),
    id: uuid().notNull(),
    chainId: bigint("chain_id", { mode: "number" }).notNull(),
    externalId: text("external_id"),
    metadata: jsonb().$type<Record<string, unknown>>(),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
    batchId: uuid("batch_id"),
    leafIndex: integer("leaf_index"),
  },
  (table) => [primaryKey({ columns: [table.contentHash, table.tenantId] })],
);
