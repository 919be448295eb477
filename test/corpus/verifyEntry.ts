import { readFileSync } from "node:fs";
import path from "node:path";
import { refusing, startLyingNode, when } from "#test/support/lyingNode.ts";
import type { RpcProxy } from "#test/support/rpcProxy.ts";
import type { Pins } from "#verifier/pins.ts";
import type { Verification } from "#verifier/verification.ts";
import { verifyFile } from "#verifier/verifyFile.ts";
import type { HistoryVerification } from "#verifier/verifyHistory.ts";
import type { ChainFile } from "./chainFile.ts";
import type { CorpusEntry } from "./corpusFile.ts";
import { CORPUS_FOLDER } from "./keys.ts";

/** The nodes that entries ask for, by the URL of their RPC. */
export type Nodes = { usual: string; namesNoFinalBlock: string };

export function readIndex(): CorpusEntry[] {
  return JSON.parse(readFileSync(path.join(CORPUS_FOLDER, "index.json"), "utf8")) as CorpusEntry[];
}

export function contentOf({ file }: CorpusEntry): Buffer {
  return readFileSync(path.join(CORPUS_FOLDER, file));
}

/** As some nodes have it, that know no such tag. */
export function startNodeWithoutTags(rpcUrl: string): Promise<RpcProxy> {
  const isTag = ([block]: readonly unknown[]) => block === "safe" || block === "finalized";
  const refusal = refusing("eth_getBlockByNumber", -39_001, "Unknown block");
  return startLyingNode(rpcUrl, [when(isTag, refusal)]);
}

export function pinsOf({ pins }: CorpusEntry, { key, publisher, contract, jwtKey }: ChainFile): Pins {
  if (pins === "none") return {};
  if (pins === "all") return { key, publisher, contract };
  return pins === "allWithJwtKey" ? { key, publisher, contract, jwtKey } : pins;
}

/** The file as it is, or other bytes in its place. */
export function verifyEntry(
  entry: CorpusEntry,
  { chain, nodes, bytes = contentOf(entry) }: { chain: ChainFile; nodes: Nodes; bytes?: Uint8Array },
): Promise<Verification | HistoryVerification> {
  const rpc = nodes[entry.node ?? "usual"];
  return verifyFile(bytes, { rpc, pins: pinsOf(entry, chain), ...entry.options });
}

/** What the list says of a file, read off its verification. */
export function expectedOf(verification: Verification | HistoryVerification): CorpusEntry["expected"] {
  const { verdict, reasons } = verification;
  if ("records" in verification) return { verdict, reasons };
  const { warnings } = verification;
  // What is proven beside the fault is not what the corpus is about.
  const origin = verdict === "valid" ? verification.origin : null;
  return { verdict, reasons, ...(warnings.length > 0 && { warnings }), ...(origin && { origin }) };
}
