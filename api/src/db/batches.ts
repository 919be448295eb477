import { bigint, integer, numeric, text, timestamp, uuid } from "drizzle-orm/pg-core";
import { app, bytea } from "./schema.ts";

export const batches = app.table("batches", {
  id: uuid().primaryKey(),
  chainId: bigint("chain_id", { mode: "number" }).notNull(),
  publisher: bytea().notNull(),
  root: bytea().notNull(),
  leafCount: integer("leaf_count").notNull(),
  state: text({ enum: ["sealed", "broadcast", "anchored"] }).notNull(),
  slotId: uuid("slot_id"),
  sealedAt: timestamp("sealed_at", { withTimezone: true }).notNull(),
  txHash: bytea("tx_hash"),
  blockNumber: bigint("block_number", { mode: "number" }),
  blockHash: bytea("block_hash"),
  blockTimestamp: bigint("block_timestamp", { mode: "number" }),
  logIndex: integer("log_index"),
  gasUsed: numeric("gas_used"),
  anchoredAt: timestamp("anchored_at", { withTimezone: true }),
});
