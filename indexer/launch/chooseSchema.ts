import type { ClientBase } from "pg";
import type { ChainReader } from "./chainReader.ts";
import { isTooShort, listDisprovedChains } from "./chainWatch.ts";
import { createIndexSchema, dropSyncCache, forgetChain, listIndexSchemas } from "./indexSchema.ts";
import { type ChainIdentity, schemaBaseName } from "./schemaName.ts";

/**
 * The schema to index into: the one of these chains and this build if there is one and the chains still hold what it is built
 * on, else a fresh one. Indexes of chains that are no more are emptied on the way, so that nothing is read from them.
 * @returns a schema that exists, with the launcher's table in it.
 */
export async function chooseSchema(client: ClientBase, readers: readonly ChainReader[]): Promise<string> {
  const identities = await Promise.all(readers.map(identify));
  const base = schemaBaseName(identities);
  for (const schema of await listIndexSchemas(client)) {
    await forgetChains(client, schema, readers, await listDisprovedChains(client, schema, readers));
  }

  const mine = (await listIndexSchemas(client)).filter((schema) => schema.startsWith(`${base}_g`));
  const newest = mine.at(-1);
  const schema = newest && (await canResume(client, newest, readers)) ? newest : `${base}_g${mine.length}`;
  await createIndexSchema(client, schema, identities);
  return schema;
}

/** Takes back all that an index says about these chains, and what is cached of them. Repeating it changes nothing. */
export async function forgetChains(
  client: ClientBase,
  schema: string,
  readers: readonly ChainReader[],
  chainIds: readonly number[],
): Promise<void> {
  for (const chainId of chainIds) {
    await forgetChain(client, schema, chainId);
    const reader = readers.find(({ chain }) => chain.chainId === chainId);
    if (!reader?.chain.disposable) await dropSyncCache(client);
  }
}

async function canResume(
  client: ClientBase,
  schema: string,
  readers: readonly ChainReader[],
): Promise<boolean> {
  if ((await listDisprovedChains(client, schema, readers)).length > 0) return false;
  for (const reader of readers) if (await isTooShort(client, schema, reader)) return false;
  return true;
}

async function identify(reader: ChainReader): Promise<ChainIdentity> {
  const genesisHash = await reader.findBlockHash(0n);
  if (genesisHash === null) throw new Error(`Chain ${reader.chain.chainId} has no block 0`);
  return { chain: reader.chain, genesisHash };
}
