import { TEST_SECRET } from "#test/support/api.ts";
import { startHardhatChain } from "#test/support/chains.ts";
import { startStack } from "#test/support/stack.ts";
import type { StartStack } from "./stack.ts";

const blockIntervalMs = 1_000;

/** The stack with the settings of `npm start`, logs included. */
export const startBenchStack: StartStack = async ({ pipeline = true } = {}) => {
  const stack = await startStack({
    chain: await startHardhatChain({ mining: { intervalMs: blockIntervalMs } }),
    settings: {
      SEAL_INTERVAL_MS: "1000",
      PIPELINE_POLL_MS: "500",
      CHAIN_KEY_ENCRYPTION_SECRET: TEST_SECRET,
    },
  });
  // Stopped, not left out: a worker tells the API which chain there is.
  if (!pipeline)
    await Promise.all([...stack.workers, stack.indexer, stack.chain].map((part) => part?.stop()));
  return stack;
};
