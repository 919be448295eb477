import { bigint, boolean, integer, text, timestamp, uuid } from "./drizzle.ts";
import { app, bytea } from "./schema.ts";

/** Taken in a transaction by whoever adds a chain or moves the default, so that there is one default at any time. */
export const LOCK_CHAINS = "SELECT pg_advisory_xact_lock(hashtextextended('holdfast.chains', 0))";

export const chains = app.table("chains", {
  chainId: bigint("chain_id", { mode: "number" }).primaryKey(),
  id: uuid().notNull().defaultRandom(),
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
  /** Where the index begins; null where nobody could tell. */
  startBlock: bigint("start_block", { mode: "number" }),
  /** The publisher's, sealed (chain/publisherKey.ts); null when workers have it from their settings. */
  privateKey: bytea("private_key"),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
});
