import { bigint, boolean, integer, text, timestamp } from "drizzle-orm/pg-core";
import { app, bytea } from "./schema.ts";

export const chains = app.table("chains", {
  chainId: bigint("chain_id", { mode: "number" }).primaryKey(),
  name: text().notNull(),
  rpcUrl: text("rpc_url").notNull(),
  contractAddress: bytea("contract_address").notNull(),
  publisher: bytea().notNull(),
  confirmations: integer().notNull(),
  isDefault: boolean("is_default").notNull().default(false),
  latestBlock: bigint("latest_block", { mode: "number" }),
  safeBlock: bigint("safe_block", { mode: "number" }),
  finalizedBlock: bigint("finalized_block", { mode: "number" }),
  headsReadAt: timestamp("heads_read_at", { withTimezone: true }),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
});
