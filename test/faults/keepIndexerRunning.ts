import type { TestStack } from "#test/support/stack.ts";

/** Starts the indexer again whenever it ends, as whoever runs it is told to (scripts/indexer.ts). */
export function keepIndexerRunning(stack: Pick<TestStack, "indexer" | "startIndexer">) {
  let current = stack.indexer ?? stack.startIndexer();
  let wanted = true;
  const done = (async () => {
    while (wanted) {
      await current.exited;
      if (wanted) current = stack.startIndexer();
    }
  })();
  return {
    kill9: () => current.kill9(),
    async stop() {
      wanted = false;
      await current.stop();
      await done;
    },
  };
}
