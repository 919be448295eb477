import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

const PYTHON = "/usr/bin/python3";
const SCRIPT = path.resolve(import.meta.dirname, "../vectors/recompute.py");

/** Whether the script can run; in CI it has to. */
export const hasPython = existsSync(PYTHON) || process.env.CI === "true";

/**
 * Record digests by test/vectors/recompute.py, which shares no code with ours.
 * @param input what the script reads: the vectors, or an answer of the API.
 * @throws {Error} with what did not fit; also where there is no python3.
 */
export function recomputeInPython(input: unknown): string[] {
  const run = spawnSync(PYTHON, [SCRIPT], { input: JSON.stringify(input), encoding: "utf8" });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) throw new Error(run.stderr);
  return run.stdout.trim().split("\n");
}
