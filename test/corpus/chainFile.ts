import { readFileSync } from "node:fs";
import path from "node:path";
import type { Hex } from "#protocol/bytes.ts";
import type { ChainHead, ChainJournal } from "#test/support/replayedChain.ts";
import type { Pins } from "#verifier/pins.ts";
import { CONTRACTS, PUBLISHERS } from "./journal.ts";
import { CORPUS_FOLDER, JWT_KEY, publicPemOf, SERVICE } from "./keys.ts";

/**
 * The chain behind the files: how it is made again, which block that ends with, and who is genuine
 * on it.
 */
export type ChainFile = ChainJournal & { head: ChainHead } & Required<Pins>;

export function chainFileOf(journal: ChainJournal, head: ChainHead): ChainFile {
  return {
    ...journal,
    head,
    key: SERVICE.publicKey,
    publisher: PUBLISHERS.service.address.toLowerCase() as Hex,
    contract: CONTRACTS.registry,
    jwtKey: publicPemOf(JWT_KEY),
  };
}

export function chainText(chain: ChainFile): string {
  return `${JSON.stringify(chain, null, 1)}\n`;
}

export function readChainFile(): ChainFile {
  return JSON.parse(readFileSync(path.join(CORPUS_FOLDER, "chain.json"), "utf8")) as ChainFile;
}
