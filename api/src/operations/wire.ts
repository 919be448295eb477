import { z } from "zod";

export const healthAnswer = z.object({ status: z.literal("ok") });

export const readinessAnswer = z.object({
  ready: z.boolean(),
  database: z.object({ reachable: z.boolean() }),
  chains: z.array(
    z.object({
      chainId: z.int(),
      reachable: z.boolean(),
      indexed: z.boolean().describe("Whether an index has been read and does not stand still"),
      latestBlock: z.int().nullable(),
      indexedBlock: z.int().nullable(),
      blocksBehind: z.int().nullable(),
    }),
  ),
});
