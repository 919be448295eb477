import { asc } from "drizzle-orm";
import { chains } from "../db/chains.ts";
import type { Database } from "../db/client.ts";
import { InvalidInputError, UnavailableError } from "../errors.ts";
import { remember } from "../remember.ts";

export type Chain = typeof chains.$inferSelect;

export type ChainDirectory = {
  /** Every chain, by its id. */
  all(): Promise<Chain[]>;
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
  const all = remember(
    async () => orm.select().from(chains).orderBy(asc(chains.chainId)),
    STALE_AFTER_MS,
    clock,
  );

  async function forSubmission(chainId: number | undefined): Promise<Chain> {
    const known = await all();
    if (chainId !== undefined) {
      const named = known.find((chain) => chain.chainId === chainId);
      if (named === undefined)
        throw new InvalidInputError(`Unknown chainId ${chainId}`, { member: "chainId" });
      return named;
    }
    const chosen = known.find((chain) => chain.isDefault);
    if (chosen === undefined)
      throw new UnavailableError("No chain is configured yet; start a worker with CHAIN_* settings");
    return chosen;
  }

  return { all, forSubmission };
}
