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
