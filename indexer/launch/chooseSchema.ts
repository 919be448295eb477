import type pg from "pg";
import type { ChainReader } from "./chainReader.ts";
import { isDisproved, isTooShort } from "./chainWatch.ts";
import {
  createIndexSchema,
  emptyIndex,
  listIndexedChains,
  listIndexSchemas,
  type Queryable,
} from "./indexSchema.ts";
import { type ChainIdentity, schemaBaseName } from "./schemaName.ts";
import { dropSyncCache } from "./syncCache.ts";

/**
 * The schema to index a chain into: the one of this chain and this build if there is one and the chain still holds what it is
 * built on, else a fresh one. Indexes of what the chain is no more are emptied on the way, so that nothing is read from them.
 * @returns a schema that exists, with the launcher's table in it.
 */
export async function chooseSchema(database: pg.Pool, reader: ChainReader): Promise<string> {
  const identity = await identify(reader);
  const base = schemaBaseName(identity);
  for (const { schema, chain } of await listIndexedChains(database)) {
    if (chain.chainId !== reader.chain.chainId) continue;
    if (await isDisproved(database, schema, reader)) await forgetChain(database, schema, reader);
  }

  const mine = (await listIndexSchemas(database)).filter((schema) => schema.startsWith(`${base}_g`));
  const newest = mine.at(-1);
  // Not by their count: older ones are dropped, and a disproved one is never written to again.
  const next = newest === undefined ? 0 : Number(newest.slice(`${base}_g`.length)) + 1;
  const schema = newest && (await canResume(database, newest, reader)) ? newest : `${base}_g${next}`;
  await createIndexSchema(database, schema, identity);
  return schema;
}

/** Takes back all that an index says about its chain, and what is cached of it. Repeating it changes nothing. */
export async function forgetChain(database: pg.Pool, schema: string, { chain }: ChainReader): Promise<void> {
  await emptyIndex(database, schema);
  if (!chain.disposable) await dropSyncCache(database, chain.chainId);
}

async function canResume(database: Queryable, schema: string, reader: ChainReader): Promise<boolean> {
  if (await isDisproved(database, schema, reader)) return false;
  return !(await isTooShort(database, schema, reader));
}

async function identify(reader: ChainReader): Promise<ChainIdentity> {
  const genesisHash = await reader.findBlockHash(0n);
  if (genesisHash === null) throw new Error(`Chain ${reader.chain.chainId} has no block 0`);
  return { chain: reader.chain, genesisHash };
}
