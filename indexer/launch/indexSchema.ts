import type pg from "pg";
import { inTransaction } from "./inTransaction.ts";
import { type ChainIdentity, SCHEMA_PREFIX } from "./schemaName.ts";

/** What the launcher's functions need of a pool or of one of its connections. */
export type Queryable = Pick<pg.ClientBase, "query">;

/**
 * The launcher's own table in each index schema, with one row: which chain it is built from, and the last block of it that Ponder
 * takes as final. `disproved` is set for good when the chain no longer holds that block; `served` while the views show it.
 */
const CHAIN_TABLE = "_holdfast_chain";
export type IndexedChain = {
  chainId: number;
  blockNumber: bigint;
  blockHash: string;
  disproved: boolean;
  served: boolean;
};

/** Index schemas in this database, of every chain, oldest generation first. */
export async function listIndexSchemas(database: Queryable): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    "SELECT nspname AS name FROM pg_namespace WHERE starts_with(nspname, $1) ORDER BY length(nspname), nspname",
    [SCHEMA_PREFIX],
  );
  return rows.map(({ name }) => name);
}

/** Creates the schema with the launcher's table before Ponder fills it. Repeating it changes nothing. */
export async function createIndexSchema(
  database: pg.Pool,
  schema: string,
  { chain, genesisHash }: ChainIdentity,
): Promise<void> {
  await inTransaction(database, async (client) => {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${schema}.${CHAIN_TABLE} (
         chain_id bigint PRIMARY KEY, block_number bigint NOT NULL, block_hash text NOT NULL,
         disproved boolean NOT NULL DEFAULT false, served boolean NOT NULL DEFAULT false)`,
    );
    await client.query(
      `INSERT INTO ${schema}.${CHAIN_TABLE} (chain_id, block_number, block_hash) VALUES ($1, 0, $2)
       ON CONFLICT DO NOTHING`,
      [chain.chainId, genesisHash],
    );
  });
}

/** The chain an index is built from; null when an earlier version of the launcher made it. */
export async function findIndexedChain(database: Queryable, schema: string): Promise<IndexedChain | null> {
  if (!(await tableExists(database, schema, CHAIN_TABLE))) return null;
  const { rows } = await database.query<{
    chain_id: string;
    block_number: string;
    block_hash: string;
    disproved: boolean;
    served: boolean;
  }>(`SELECT * FROM ${schema}.${CHAIN_TABLE}`);
  const [row] = rows;
  if (row === undefined) return null;
  return {
    chainId: Number(row.chain_id),
    blockNumber: BigInt(row.block_number),
    blockHash: row.block_hash,
    disproved: row.disproved,
    served: row.served,
  };
}

/** The index schemas that are built from a chain of ours, each with that chain. */
export async function listIndexedChains(
  database: Queryable,
): Promise<{ schema: string; chain: IndexedChain }[]> {
  const found: { schema: string; chain: IndexedChain }[] = [];
  for (const schema of await listIndexSchemas(database)) {
    const chain = await findIndexedChain(database, schema);
    if (chain !== null) found.push({ schema, chain });
  }
  return found;
}

/**
 * Number of the block up to which Ponder has indexed ("latest"), or which it takes as final ("finalized"); null before it has
 * indexed anything. A checkpoint is 75 digits: 10 of time, 16 of chain id, 16 of block number, and the place in the block.
 */
export async function findCheckpointBlock(
  database: Queryable,
  schema: string,
  which: "latest" | "finalized",
): Promise<bigint | null> {
  if (!(await tableExists(database, schema, "_ponder_checkpoint"))) return null;
  const { rows } = await database.query<{ number: string }>(
    `SELECT substr(${which}_checkpoint, 27, 16)::bigint AS number FROM ${schema}._ponder_checkpoint`,
  );
  return rows[0] ? BigInt(rows[0].number) : null;
}

/** Remembers the hash of a finalized block, so that a later start can tell whether the chain is still the same. */
export async function recordFinalizedBlock(
  database: Queryable,
  schema: string,
  { blockNumber, blockHash }: Pick<IndexedChain, "blockNumber" | "blockHash">,
): Promise<void> {
  await database.query(`UPDATE ${schema}.${CHAIN_TABLE} SET block_number = $1, block_hash = $2`, [
    blockNumber,
    blockHash,
  ]);
}

/** Notes whether the views show this index. */
export async function recordServed(database: Queryable, schema: string, served: boolean): Promise<void> {
  await database.query(`UPDATE ${schema}.${CHAIN_TABLE} SET served = $1`, [served]);
}

/**
 * Takes back what an index says about its chain, which has become another one: the rows go, and the checkpoint says that nothing
 * is indexed. Until a new index is live, readers find nothing rather than anchors that are no more. Repeating it changes nothing.
 */
export async function emptyIndex(database: pg.Pool, schema: string): Promise<void> {
  await inTransaction(database, async (client) => {
    for (const table of ["anchors", "publishers"]) {
      if (!(await tableExists(client, schema, table))) continue;
      // Ponder's triggers on these tables work only inside Ponder's own transactions.
      await client.query(`ALTER TABLE ${schema}.${table} DISABLE TRIGGER USER`);
      await client.query(`DELETE FROM ${schema}.${table}`);
    }
    if (await tableExists(client, schema, "_ponder_checkpoint")) {
      await client.query(
        `UPDATE ${schema}._ponder_checkpoint SET latest_checkpoint = repeat('0', 75), safe_checkpoint = repeat('0', 75),
           finalized_checkpoint = repeat('0', 75)`,
      );
      await client.query(`UPDATE ${schema}._ponder_meta SET value = jsonb_set(value, '{is_ready}', '0')`);
    }
    await client.query(`UPDATE ${schema}.${CHAIN_TABLE} SET disproved = true`);
  });
}

async function tableExists(database: Queryable, schema: string, table: string): Promise<boolean> {
  const { rows } = await database.query<{ found: boolean }>("SELECT to_regclass($1) IS NOT NULL AS found", [
    `${schema}.${table}`,
  ]);
  return rows[0]?.found === true;
}
