import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startProcess } from "#test/support/process.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "holdfast-start-"));
});
afterEach(() => rmSync(home, { recursive: true }));

const lockFile = () => join(home, "postgres", "cluster", "postmaster.pid");

test.each([
  ["SIGINT", "Starting PostgreSQL"],
  ["SIGTERM", "Database is up to date"],
  ["SIGHUP", "Starting the indexer"],
] as const)("%s after %j stops what has started and ends with 0", async (signal, line) => {
  const started = startProcess("scripts/start.ts", { env: { HOLDFAST_HOME: home } });
  await started.waitForLine(new RegExp(line));
  process.kill(started.pid, signal);
  expect(await started.exited).toEqual({ code: 0, signal: null });
  expect(started.output()).toContain("Stopped; the data are kept");
  expect(existsSync(lockFile())).toBe(false);
  expect(existsSync(join(home, "stack.json"))).toBe(false);
});

test("when PostgreSQL ends by itself, everything stops, says why, and ends with 1", async () => {
  const started = startProcess("scripts/start.ts", { env: { HOLDFAST_HOME: home } });
  await started.waitForLine(/Starting the indexer/);
  const [postmaster] = readFileSync(lockFile(), "utf8").split("\n");
  process.kill(Number(postmaster), "SIGKILL");
  expect(await started.exited).toEqual({ code: 1, signal: null });
  expect(started.output()).toContain("PostgreSQL ended with SIGKILL");
});

test.each([
  [{ CHAIN_ID: "1" }, "CHAIN_ID without CHAIN_RPC_URL: set it too, or none of them"],
  [
    { CHAIN_RPC_URL: "http://127.0.0.1:9" },
    "these must be too: CHAIN_ID, CHAIN_CONTRACT_ADDRESS, CHAIN_PUBLISHER_PRIVATE_KEY",
  ],
  [
    {
      CHAIN_RPC_URL: "http://127.0.0.1:9",
      CHAIN_ID: "1",
      CHAIN_CONTRACT_ADDRESS: `0x${"11".repeat(20)}`,
      CHAIN_PUBLISHER_PRIVATE_KEY: `0x${"11".repeat(32)}`,
      CHAIN_START_BLOCK: "x",
    },
    "CHAIN_START_BLOCK is no block number",
  ],
])(
  "settings that do not go together are named, and nothing is left running: %j",
  async (settings, reason) => {
    const started = startProcess("scripts/start.ts", { env: { HOLDFAST_HOME: home, ...settings } });
    expect(await started.exited).toEqual({ code: 1, signal: null });
    expect(started.output()).toContain(reason);
    expect(existsSync(lockFile())).toBe(false);
  },
);

test.each([
  [{ INDEXER_PORT: "x" }, "INDEXER_PORT must be a TCP port"],
  [{ INDEXER_PORT: "65536" }, "INDEXER_PORT must be a TCP port"],
  [{ INDEXER_LOG_LEVEL: "loud" }, "INDEXER_LOG_LEVEL must be one of error, warn"],
  [{ INDEXER_CHAINS: "{" }, "INDEXER_CHAINS: not a JSON list"],
])("the indexer names the setting that is wrong: %j", async (settings, reason) => {
  const env = { INDEXER_DATABASE_URL: "postgres://127.0.0.1:9/none", ...settings };
  const started = startProcess("scripts/indexer.ts", { env });
  expect(await started.exited).toEqual({ code: 1, signal: null });
  expect(started.output()).toContain(reason);
});
