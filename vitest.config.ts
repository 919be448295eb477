import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// The limits are for tests that hang: a machine that is ten times slower must fail none.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["protocol/**/*.test.ts", "verifier/**/*.test.ts"],
          testTimeout: 60_000,
          maxWorkers: "100%",
        },
      },
      {
        test: {
          name: "integration",
          include: [
            "contracts/**/*.test.ts",
            "api/**/*.test.ts",
            "indexer/**/*.test.ts",
            "scripts/**/*.test.ts",
          ],
          globalSetup: "test/support/postgresTemplate.ts",
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // Much of a test is waiting: for PostgreSQL to commit, for Ponder to find a block.
          maxWorkers: availableParallelism() + 1,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/**/*.test.ts"],
          globalSetup: "test/support/postgresTemplate.ts",
          testTimeout: 600_000,
          hookTimeout: 600_000,
          maxWorkers: "100%",
        },
      },
    ],
  },
});
