import { integer, primaryKey, uuid } from "./drizzle.ts";
import { app } from "./schema.ts";

export const batchTenants = app.table(
  "batch_tenants",
  {
    tenantId: uuid("tenant_id").notNull(),
    batchId: uuid("batch_id").notNull(),
    /** The tenant's submissions in the batch. */
    hashes: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.batchId] })],
);
