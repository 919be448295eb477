import type { ChainReader } from "./chainReader.ts";
import { findCheckpointBlock, type Queryable } from "./indexSchema.ts";

/** Longer than Ponder takes over a block under any load seen; shorter than its own repeats of a failing request (64 s). */
const STALL_MS = 30_000;

/**
 * Notices when Ponder has stopped following its chain: a block it could not fetch is not asked for again until the next one
 * comes. Each call answers whether the newest block has been missing from the index for 30 s without any progress.
 */
export function createStallWatch({ headNumber }: ChainReader) {
  let seen: { latest: bigint | null; since: number } | undefined;
  return async (database: Queryable, schema: string): Promise<boolean> => {
    const head = await headNumber();
    const latest = await findCheckpointBlock(database, schema, "latest");
    if (seen === undefined || seen.latest !== latest || latest === head) {
      seen = { latest, since: Date.now() };
      return false;
    }
    return Date.now() - seen.since > STALL_MS;
  };
}
