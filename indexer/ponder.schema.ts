import { index, onchainTable, primaryKey } from "ponder";

// Ponder names GraphQL fields after these constants (anchor, anchors), and tables after the string.

/**
 * One row per anchor: what the event `Anchored`, its block and its transaction say, and nothing derived from them.
 * Hashes and addresses are lower-case 0x hex text: Ponder's GraphQL shows a bytea column as a list of numbers.
 */
export const anchor = onchainTable(
  "anchors",
  (t) => ({
    chainId: t.int8({ mode: "bigint" }).notNull(),
    publisher: t.hex().notNull(),
    root: t.hex().notNull(),
    leafCount: t.int8({ mode: "bigint" }).notNull(),
    /** The publisher's head after this anchor. */
    head: t.hex().notNull(),
    blockNumber: t.int8({ mode: "bigint" }).notNull(),
    blockHash: t.hex().notNull(),
    /** Seconds since 1970. */
    blockTimestamp: t.int8({ mode: "bigint" }).notNull(),
    transactionHash: t.hex().notNull(),
    /** Index of the log in its block. */
    logIndex: t.integer().notNull(),
    /** Of the whole transaction, which may hold other anchors too. */
    gasUsed: t.int8({ mode: "bigint" }).notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.publisher, table.root] }),
    inOrderIdx: index().on(table.chainId, table.publisher, table.blockNumber, table.logIndex),
    blockIdx: index().on(table.chainId, table.blockNumber),
  }),
);

/** One row per publisher: the head its last indexed anchor left, to compare with the contract's `head(publisher)`. */
export const publisher = onchainTable(
  "publishers",
  (t) => ({
    chainId: t.int8({ mode: "bigint" }).notNull(),
    publisher: t.hex().notNull(),
    head: t.hex().notNull(),
    anchorCount: t.int8({ mode: "bigint" }).notNull(),
    /** Block of the last anchor. */
    blockNumber: t.int8({ mode: "bigint" }).notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.publisher] }) }),
);
