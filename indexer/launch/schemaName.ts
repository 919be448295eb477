import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ChainSettings } from "../chainSettings.ts";

const INDEXER_DIR = dirname(import.meta.dirname);
const ABI_FILE = join(INDEXER_DIR, "../protocol/src/anchorRegistryAbi.ts");
const PONDER_PACKAGE = join(dirname(fileURLToPath(import.meta.resolve("ponder"))), "../../package.json");

/** Every schema that holds an index has a name that begins so. */
export const SCHEMA_PREFIX = "holdfast_index_";

export type ChainIdentity = { chain: ChainSettings; genesisHash: string };

/**
 * Name of the schema for a chain as the indexer is now, without its generation. The same chain and code give the same name, so a
 * restart resumes; a reset chain, another contract or changed indexer code gives another, so it starts anew.
 */
export function schemaBaseName({ chain, genesisHash }: ChainIdentity): string {
  const address = chain.contractAddress.toLowerCase();
  const hash = createHash("sha256")
    .update(buildDigest())
    .update(JSON.stringify([chain.chainId, genesisHash, address, chain.startBlock, chain.disposable]));
  return SCHEMA_PREFIX + hash.digest("hex").slice(0, 16);
}

/** Digest of everything the indexed rows depend on: Ponder, configuration, schema, indexing functions, ABI. */
function buildDigest(): string {
  const sources = readdirSync(join(INDEXER_DIR, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.startsWith("api"))
    .map((name) => join(INDEXER_DIR, "src", name));
  const own = ["ponder.config.ts", "ponder.schema.ts", "chainSettings.ts"].map((name) =>
    join(INDEXER_DIR, name),
  );
  const hash = createHash("sha256");
  for (const file of [...own, ...sources.sort(), ABI_FILE]) hash.update(readFileSync(file));
  const { version } = JSON.parse(readFileSync(PONDER_PACKAGE, "utf8")) as { version: string };
  return hash.update(version).digest("hex");
}
