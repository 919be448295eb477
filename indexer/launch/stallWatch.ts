import type { ClientBase } from "pg";
import type { ChainReader } from "./chainReader.ts";
import { findCheckpointBlock } from "./indexSchema.ts";

/** Longer than Ponder takes over a block under any load seen; shorter than its own repeats of a failing request (64 s). */
const STALL_MS = 30_000;

/**
 * Notices when Ponder has stopped following a chain: a block it could not fetch is not asked for again until the next one
 * comes. Each call answers whether the newest block has been missing from the index for 30 s without any progress.
 */
export function createStallWatch(readers: readonly ChainReader[]) {
  const seen = new Map<number, { latest: bigint | null; since: number }>();
  return async (client: ClientBase, schema: string): Promise<boolean> => {
    const stalled = await Promise.all(
      readers.map(async ({ chain, headNumber }) => {
        const head = await headNumber();
        const latest = await findCheckpointBlock(client, schema, chain.chainId, "latest");
        const before = seen.get(chain.chainId);
        if (!before || before.latest !== latest || latest === head) {
          seen.set(chain.chainId, { latest, since: Date.now() });
          return false;
        }
        return Date.now() - before.since > STALL_MS;
      }),
    );
    return stalled.includes(true);
  };
}
