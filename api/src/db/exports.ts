import { bigint, primaryKey, text, timestamp, uuid } from "./drizzle.ts";
import { app } from "./schema.ts";

export const exports = app.table(
  "exports",
  {
    tenantId: uuid("tenant_id").notNull(),
    id: uuid().notNull(),
    type: text({ enum: ["hashes", "receipts"] }).notNull(),
    format: text({ enum: ["csv", "json"] }).notNull(),
    statusFilter: text("status_filter", { enum: ["pending", "batched", "anchored", "failed"] }),
    createdFrom: timestamp("created_from", { withTimezone: true }),
    /** Exclusive. */
    createdBefore: timestamp("created_before", { withTimezone: true }),
    /** Origin that receipts name as @context. */
    publicUrl: text("public_url").notNull(),
    state: text({ enum: ["pending", "processing", "completed", "failed", "expired"] }).notNull(),
    /** The job that works on it. */
    jobId: uuid("job_id").notNull(),
    /** The one attempt that may finish it; stands in the file's name. */
    attempt: uuid(),
    totalRows: bigint("total_rows", { mode: "number" }).notNull().default(0),
    bytes: bigint({ mode: "number" }),
    failure: text(),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
    completedAt: timestamp("completed_at", { withTimezone: true }),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.id] })],
);

export type ExportRow = typeof exports.$inferSelect;
