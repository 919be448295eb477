import { z } from "zod";

const DEVELOPMENT_CHAIN_IDS: readonly number[] = [1337, 31337];

const chainSettings = z
  .object({
    chainId: z.number().int().positive(),
    rpcUrl: z.union([z.url(), z.array(z.url()).min(1)]),
    contractAddress: z.templateLiteral(["0x", z.string().regex(/^[0-9a-fA-F]{40}$/)]),
    startBlock: z.number().int().nonnegative().default(0),
    pollingIntervalMs: z.number().int().positive().default(1_000),
    disposable: z.boolean().optional(),
  })
  .transform(({ rpcUrl, ...chain }) => {
    const disposable = chain.disposable ?? DEVELOPMENT_CHAIN_IDS.includes(chain.chainId);
    // After a reset the contract may stand in an earlier block than before.
    return { ...chain, rpcUrls: [rpcUrl].flat(), disposable, startBlock: disposable ? 0 : chain.startBlock };
  });

/**
 * One chain to index.
 * - rpcUrls: one or more JSON-RPC endpoints of this chain.
 * - startBlock: the block the contract was deployed in, or any before it.
 * - pollingIntervalMs: how often the newest block is asked for.
 * - disposable: a development chain, which may be reset or shortened under us. Nothing of it is cached, and the index is
 *   built anew, from the chain's first block on, when the chain no longer holds what was indexed.
 */
export type ChainSettings = z.output<typeof chainSettings>;

/**
 * Reads the setting INDEXER_CHAINS: a JSON list of
 * `{ chainId, rpcUrl: "…" | ["…"], contractAddress, startBlock = 0, pollingIntervalMs = 1000, disposable = chainId is 31337 or 1337 }`.
 * No setting is an empty list.
 * @throws {Error} that names what is wrong.
 */
export function parseChains(json: string | undefined): ChainSettings[] {
  if (!json) return [];
  const parsed = z.array(chainSettings).safeParse(jsonOf(json));
  if (!parsed.success) throw new Error(`INDEXER_CHAINS: ${z.prettifyError(parsed.error)}`);
  const chains = parsed.data.toSorted((a, b) => a.chainId - b.chainId);
  const repeated = chains.find((chain, i) => chain.chainId === chains[i + 1]?.chainId);
  if (repeated) throw new Error(`INDEXER_CHAINS: chain ${repeated.chainId} is listed twice`);
  return chains;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("INDEXER_CHAINS: not a JSON list");
  }
}

/**
 * Reads a chain as the database has it.
 * @throws {Error} that names what is wrong, without the URL.
 */
export function parseChain(row: unknown): ChainSettings {
  const parsed = chainSettings.safeParse(row);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return parsed.data;
}

/** Name of a chain in Ponder's tables, logs and /status. */
export function chainName({ chainId }: Pick<ChainSettings, "chainId">): string {
  return `chain${chainId}`;
}
