import type { ClientBase } from "pg";
import type { ChainIdentity } from "./schemaName.ts";
import { SCHEMA_PREFIX } from "./schemaName.ts";

/**
 * The launcher's own table in each index schema: which chain it was built from, and the last block of it that Ponder takes as
 * final. `disproved` is set for good when the chain no longer holds that block.
 */
const CHAINS_TABLE = "_holdfast_chains";
export type IndexedChain = { chainId: number; blockNumber: bigint; blockHash: string; disproved: boolean };

/** Index schemas in this database, the current one included, oldest generation first. */
export async function listIndexSchemas(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    "SELECT nspname AS name FROM pg_namespace WHERE starts_with(nspname, $1) ORDER BY length(nspname), nspname",
    [SCHEMA_PREFIX],
  );
  return rows.map(({ name }) => name);
}

/** Creates the schema with the launcher's table before Ponder fills it. Repeating it changes nothing. */
export async function createIndexSchema(
  client: ClientBase,
  schema: string,
  identities: readonly ChainIdentity[],
): Promise<void> {
  await inTransaction(client, async () => {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${schema}.${CHAINS_TABLE} (
         chain_id bigint PRIMARY KEY, block_number bigint NOT NULL, block_hash text NOT NULL,
         disproved boolean NOT NULL DEFAULT false)`,
    );
    for (const { chain, genesisHash } of identities) {
      await client.query(
        `INSERT INTO ${schema}.${CHAINS_TABLE} (chain_id, block_number, block_hash) VALUES ($1, 0, $2)
         ON CONFLICT DO NOTHING`,
        [chain.chainId, genesisHash],
      );
    }
  });
}

/** The chains an index was built from; none when it is not the launcher's or half made. */
export async function listIndexedChains(client: ClientBase, schema: string): Promise<IndexedChain[]> {
  if (!(await tableExists(client, schema, CHAINS_TABLE))) return [];
  const { rows } = await client.query<{
    chain_id: string;
    block_number: string;
    block_hash: string;
    disproved: boolean;
  }>(`SELECT chain_id, block_number, block_hash, disproved FROM ${schema}.${CHAINS_TABLE}`);
  return rows.map((row) => ({
    chainId: Number(row.chain_id),
    blockNumber: BigInt(row.block_number),
    blockHash: row.block_hash,
    disproved: row.disproved,
  }));
}

/**
 * Number of the block up to which Ponder has indexed ("latest"), or which it takes as final ("finalized"); null before it has
 * indexed anything. A checkpoint is 75 digits: 10 of time, 16 of chain id, 16 of block number, and the place in the block.
 */
export async function findCheckpointBlock(
  client: ClientBase,
  schema: string,
  chainId: number,
  which: "latest" | "finalized",
): Promise<bigint | null> {
  if (!(await tableExists(client, schema, "_ponder_checkpoint"))) return null;
  const { rows } = await client.query<{ number: string }>(
    `SELECT substr(${which}_checkpoint, 27, 16)::bigint AS number FROM ${schema}._ponder_checkpoint WHERE chain_id = $1`,
    [chainId],
  );
  return rows[0] ? BigInt(rows[0].number) : null;
}

/** Remembers the hash of a finalized block, so that a later start can tell whether the chain is still the same. */
export async function recordFinalizedBlock(
  client: ClientBase,
  schema: string,
  chain: Omit<IndexedChain, "disproved">,
) {
  await client.query(
    `UPDATE ${schema}.${CHAINS_TABLE} SET block_number = $2, block_hash = $3 WHERE chain_id = $1`,
    [chain.chainId, chain.blockNumber, chain.blockHash],
  );
}

/**
 * Takes back what an index says about a chain that has become another one: its rows go, and the checkpoint says that nothing
 * is indexed. Until a new index is live, readers find nothing rather than anchors that are no more.
 */
export async function forgetChain(client: ClientBase, schema: string, chainId: number): Promise<void> {
  await inTransaction(client, async () => {
    for (const table of ["anchors", "publishers"]) {
      if (!(await tableExists(client, schema, table))) continue;
      // Ponder's triggers on these tables work only inside Ponder's own transactions.
      await client.query(`ALTER TABLE ${schema}.${table} DISABLE TRIGGER USER`);
      await client.query(`DELETE FROM ${schema}.${table} WHERE chain_id = $1`, [chainId]);
    }
    if (await tableExists(client, schema, "_ponder_checkpoint")) {
      await client.query(
        `UPDATE ${schema}._ponder_checkpoint SET latest_checkpoint = repeat('0', 75), safe_checkpoint = repeat('0', 75),
           finalized_checkpoint = repeat('0', 75) WHERE chain_id = $1`,
        [chainId],
      );
      await client.query(`UPDATE ${schema}._ponder_meta SET value = jsonb_set(value, '{is_ready}', '0')`);
    }
    await client.query(`UPDATE ${schema}.${CHAINS_TABLE} SET disproved = true WHERE chain_id = $1`, [
      chainId,
    ]);
  });
}

/** Drops what Ponder cached of the chains: after a reorganisation deeper than its finality the cache holds dead blocks. */
export async function dropSyncCache(client: ClientBase): Promise<void> {
  await client.query("DROP SCHEMA IF EXISTS ponder_sync CASCADE");
}

/** Drops every index but the live one, to which the views point by now. */
export async function dropStaleSchemas(client: ClientBase, live: string): Promise<string[]> {
  const stale = (await listIndexSchemas(client)).filter((schema) => schema !== live);
  for (const schema of stale) await client.query(`DROP SCHEMA ${schema} CASCADE`);
  return stale;
}

async function tableExists(client: ClientBase, schema: string, table: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>("SELECT to_regclass($1) IS NOT NULL AS found", [
    `${schema}.${table}`,
  ]);
  return rows[0]?.found === true;
}

async function inTransaction(client: ClientBase, work: () => Promise<void>): Promise<void> {
  await client.query("BEGIN");
  try {
    await work();
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}
