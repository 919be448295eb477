import type pg from "pg";
import {
  findIndexedChain,
  type IndexedChain,
  listIndexedChains,
  listIndexSchemas,
  type Queryable,
  recordServed,
} from "./indexSchema.ts";
import { inTransaction } from "./inTransaction.ts";

/** The schema in which everybody finds the index, whichever chains it has and wherever their rows are. */
export const VIEWS_SCHEMA = "chain";

const VIEWS_LOCK = "hashtext('holdfast index views')";
const LIVE_QUERY_TRIGGER = `${VIEWS_SCHEMA}_live_query_notify`;

/** Columns of each view, and what each is when no chain is indexed yet. */
const COLUMNS = {
  anchors: {
    chain_id: "bigint",
    publisher: "text",
    root: "text",
    leaf_count: "bigint",
    head: "text",
    block_number: "bigint",
    block_hash: "text",
    block_timestamp: "bigint",
    transaction_hash: "text",
    log_index: "integer",
    gas_used: "bigint",
  },
  publishers: {
    chain_id: "bigint",
    publisher: "text",
    head: "text",
    anchor_count: "bigint",
    block_number: "bigint",
  },
  _ponder_meta: { key: "text", value: "jsonb" },
  _ponder_checkpoint: {
    chain_name: "text",
    chain_id: "bigint",
    safe_checkpoint: "varchar(75)",
    latest_checkpoint: "varchar(75)",
    finalized_checkpoint: "varchar(75)",
  },
} as const;
type View = keyof typeof COLUMNS;

/** In the order in which Ponder locks what they read; README.md asks readers for the same. */
const VIEWS = Object.keys(COLUMNS) as View[];

const IS_READY = "m.value ->> 'is_ready' = '1'";

/** What a view reads of one chain's index. A chain whose index is being built or resumed has no checkpoint: it says nothing yet. */
const READ: Record<Exclude<View, "_ponder_meta">, (schema: string) => string> = {
  anchors: (schema) => `${schema}.anchors t`,
  publishers: (schema) => `${schema}.publishers t`,
  _ponder_checkpoint: (schema) =>
    `${schema}._ponder_meta m JOIN ${schema}._ponder_checkpoint t ON ${IS_READY}`,
};

/**
 * Makes the schema of the stable views, with empty ones where there are none yet, and lets `readerRole` read whatever view is ever
 * made in it by us: views are dropped and made anew, and default privileges are what survives that.
 */
export async function openViews(database: pg.Pool, readerRole?: string): Promise<void> {
  await inTransaction(database, async (client) => {
    await client.query(`SELECT pg_advisory_xact_lock(${VIEWS_LOCK})`);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${VIEWS_SCHEMA}`);
    for (const view of VIEWS) {
      const { rows } = await client.query("SELECT to_regclass($1) AS found", [`${VIEWS_SCHEMA}.${view}`]);
      if (rows[0].found === null) await client.query(viewOver(view, []));
    }
    await client.query(LIVE_QUERY_FUNCTION);
    if (!readerRole) return;
    const role = (client as pg.Client).escapeIdentifier(readerRole);
    await client.query(`GRANT USAGE ON SCHEMA ${VIEWS_SCHEMA} TO ${role}`);
    await client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA ${VIEWS_SCHEMA} TO ${role}`);
    await client.query(
      `ALTER DEFAULT PRIVILEGES IN SCHEMA ${VIEWS_SCHEMA} GRANT SELECT ON TABLES TO ${role}`,
    );
  });
}

/**
 * Lets the views show this index of its chain, in place of the one before; those of other chains stay. One transaction: a reader
 * finds the old or the new.
 * @returns the schemas that nobody reads any more and that were dropped.
 */
export async function serveIndex(database: pg.Pool, schema: string): Promise<string[]> {
  const { chainId } = (await findIndexedChain(database, schema))!;
  await replaceViews(database, async (client) => {
    for (const index of await listIndexedChains(client))
      if (index.chain.chainId === chainId) await recordServed(client, index.schema, index.schema === schema);
    await client.query(
      `CREATE OR REPLACE TRIGGER ${LIVE_QUERY_TRIGGER} AFTER INSERT OR UPDATE OR DELETE ON ${schema}._ponder_checkpoint
       FOR EACH STATEMENT EXECUTE PROCEDURE ${VIEWS_SCHEMA}.live_query_notify()`,
    );
  });
  const isOfOther = (chain: IndexedChain | null) => chain !== null && chain.chainId !== chainId;
  return dropIndexes(database, (chain, candidate) => isOfOther(chain) || candidate === schema);
}

/**
 * Takes the indexes of all other chains than these out of the views.
 * @returns their schemas, which were dropped.
 */
export async function retireIndexes(database: pg.Pool, chainIds: readonly number[]): Promise<string[]> {
  const retired = (await listIndexedChains(database)).filter(
    ({ chain }) => !chainIds.includes(chain.chainId),
  );
  if (retired.some(({ chain }) => chain.served))
    await replaceViews(database, async (client) => {
      for (const { schema } of retired) await recordServed(client, schema, false);
    });
  return dropIndexes(database, (chain) => chain === null || chainIds.includes(chain.chainId));
}

async function replaceViews(database: pg.Pool, choose: (client: Queryable) => Promise<void>): Promise<void> {
  await inTransaction(database, async (client) => {
    await client.query(`SELECT pg_advisory_xact_lock(${VIEWS_LOCK})`);
    await choose(client);
    const served = (await listIndexedChains(client)).filter(({ chain }) => chain.served);
    const schemas = served.map(({ schema }) => schema);
    for (const view of VIEWS) {
      await client.query(`DROP VIEW IF EXISTS ${VIEWS_SCHEMA}.${view}`);
      await client.query(viewOver(view, schemas));
    }
  });
}

async function dropIndexes(
  database: Queryable,
  isKept: (chain: IndexedChain | null, schema: string) => boolean,
): Promise<string[]> {
  const dropped: string[] = [];
  for (const schema of await listIndexSchemas(database)) {
    if (isKept(await findIndexedChain(database, schema), schema)) continue;
    await database.query(`DROP SCHEMA ${schema} CASCADE`);
    dropped.push(schema);
  }
  return dropped;
}

function viewOver(view: View, schemas: readonly string[]): string {
  return `CREATE VIEW ${VIEWS_SCHEMA}.${view} AS ${view === "_ponder_meta" ? metaOver(schemas) : rowsOver(view, schemas)}`;
}

function rowsOver(view: Exclude<View, "_ponder_meta">, schemas: readonly string[]): string {
  const columns = Object.entries(COLUMNS[view]);
  if (schemas.length === 0)
    return `SELECT ${columns.map(([name, type]) => `NULL::${type} AS ${name}`).join(", ")} WHERE false`;
  const list = columns.map(([name]) => `t.${name}`).join(", ");
  return schemas.map((schema) => `SELECT ${list} FROM ${READ[view](schema)}`).join(" UNION ALL ");
}

/** One row, as Ponder has it: whether any chain can be read. */
function metaOver(schemas: readonly string[]): string {
  const isReady = schemas.map((schema) => `EXISTS (SELECT FROM ${schema}._ponder_meta m WHERE ${IS_READY})`);
  const value = `jsonb_build_object('is_ready', (${isReady.join(" OR ") || "false"})::integer)`;
  return `SELECT 'app'::text AS key, ${value} AS value`;
}

/** Tells whoever listens which tables a block has changed; Ponder leaves their names in a temporary table. */
const LIVE_QUERY_FUNCTION = `
CREATE OR REPLACE FUNCTION ${VIEWS_SCHEMA}.live_query_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF to_regclass('pg_temp.live_query_tables') IS NOT NULL THEN
    PERFORM pg_notify('${VIEWS_SCHEMA}_live_query', (SELECT coalesce(jsonb_agg(table_name ORDER BY table_name), '[]')::text FROM pg_temp.live_query_tables));
  END IF;
  RETURN NULL;
END
$$`;
