import type { Logger } from "pino";
import type { AnchorWriter } from "../chain/anchorWriter.ts";
import type { Chain } from "../chain/chainDirectory.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import type { Database } from "../db/client.ts";
import { type BroadcastLimits, broadcastAnchor } from "./broadcastAnchor.ts";
import { confirmAnchor } from "./confirmAnchor.ts";
import type { DelegateOrigins } from "./delegateOrigins.ts";
import type { Step } from "./runLoop.ts";
import { type SealLimits, sealBatch } from "./sealBatch.ts";
import type { SigningKey } from "./signingKey.ts";
import { takeBackAnchors } from "./takeBackAnchor.ts";

export type PipelineDeps = {
  db: Database;
  chain: Chain;
  reader: ChainReader;
  writer: AnchorWriter;
  signingKey: SigningKey;
  delegateOrigins: DelegateOrigins;
  limits: SealLimits & BroadcastLimits;
  clock: () => Date;
  logger: Logger;
};

/** The steps that bring a chain's hashes from accepted to anchored, in that order; each can be run alone, at any time, by anyone. */
export function pipelineSteps(deps: PipelineDeps): Step[] {
  const { db, chain, limits, clock, logger } = deps;
  const succeeded = new Map<string, number>();
  return [
    {
      name: "seal",
      run: async () => {
        const batch = await sealBatch(db, chain, limits, clock());
        if (batch === null) return false;
        logger.info(
          {
            chainId: chain.chainId,
            batchId: batch.id,
            leaves: batch.leafCount,
            submissions: batch.submissions,
          },
          "batch sealed",
        );
        return true;
      },
    },
    { name: "broadcast", run: () => broadcastAnchor({ ...deps, succeeded }) },
    takeBackStep(deps),
    { name: "confirm", run: async () => (await confirmAnchor(deps)) > 0 },
  ];
}

/** How often anchors of every age are looked at, and not only recent ones; milliseconds. */
const FULL_LOOK_INTERVAL_MS = 600_000;

/** Looks at everything now and then, and whenever the chain has become shorter, for then anything may have changed. */
function takeBackStep({ reader, ...deps }: PipelineDeps): Step {
  let highest = 0;
  let fullLookDueMs = 0;
  return {
    name: "take back",
    run: async () => {
      const nowMs = deps.clock().getTime();
      const { latest } = await reader.heads();
      if (latest < highest) fullLookDueMs = nowMs;
      highest = latest;
      const everything = nowMs >= fullLookDueMs;
      const taken = await takeBackAnchors({ ...deps, reader }, everything);
      if (everything && taken === 0) fullLookDueMs = nowMs + FULL_LOOK_INTERVAL_MS;
      return taken > 0;
    },
  };
}
