import { chains } from "../db/chains.ts";
import type { Database } from "../db/client.ts";
import { asc, getTableColumns } from "../db/drizzle.ts";
import { InvalidInputError, UnavailableError } from "../errors.ts";
import { remember } from "../remember.ts";

/** A chain as everything but the opening of its key needs it. */
export type Chain = Omit<typeof chains.$inferSelect, "privateKey">;

const { privateKey: _, ...COLUMNS } = getTableColumns(chains);

export type ChainDirectory = {
  /** Every chain, by its id; one that was added within the last second may be missing. */
  all(): Promise<Chain[]>;
  /** The same with whatever was added before the call. */
  fresh(): Promise<Chain[]>;
  /** One chain, however new it is. */
  find(chainId: number): Promise<Chain | null>;
  /**
   * The chain that a submission goes to.
   * @throws {InvalidInputError} for an id that no chain has; {UnavailableError} when there is no chain at all yet.
   */
  forSubmission(chainId: number | undefined): Promise<Chain>;
};

/** How long an answer may be old: a new chain is known to every process after that. Milliseconds. */
const STALE_AFTER_MS = 1_000;

/** The configured chains. Rows change rarely and are asked for by every request, so they are kept for a second. */
export function createChainDirectory({ orm }: Database, clock: () => Date): ChainDirectory {
  const read = async (): Promise<Chain[]> => orm.select(COLUMNS).from(chains).orderBy(asc(chains.chainId));
  const all = remember(read, STALE_AFTER_MS, clock);

  async function find(chainId: number): Promise<Chain | null> {
    const isIt = (chain: Chain) => chain.chainId === chainId;
    return (await all()).find(isIt) ?? (await read()).find(isIt) ?? null;
  }

  async function forSubmission(chainId: number | undefined): Promise<Chain> {
    if (chainId !== undefined) {
      const named = await find(chainId);
      if (named === null) throw new InvalidInputError(`Unknown chainId ${chainId}`, { member: "chainId" });
      return named;
    }
    const chosen = (await all()).find((chain) => chain.isDefault);
    if (chosen === undefined)
      throw new UnavailableError(
        "No chain is configured yet; start a worker with CHAIN_* settings, or POST /admin/chains",
      );
    return chosen;
  }

  return { all, fresh: read, find, forSubmission };
}
