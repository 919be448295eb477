import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from "node:child_process";
import { expect, test } from "vitest";

/** Runs `end` in a process that has logged 1,000 lines, and counts those that came out. */
function linesOf(end: string): number {
  const script = `
    import { pino } from "pino";
    import { createLogBlocks } from "./api/src/logBlocks.ts";
    const logger = pino({}, createLogBlocks());
    for (let i = 0; i < 1_000; i++) logger.info({ i }, "line");
    ${end}`;
  const options: ExecFileSyncOptionsWithStringEncoding = {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  };
  try {
    return linesIn(execFileSync(process.execPath, ["--input-type=module", "-e", script], options));
  } catch (error) {
    return linesIn((error as { stdout: string }).stdout);
  }
}

const linesIn = (output: string) => output.split("\n").filter((line) => line !== "").length;

test.each([
  ["ends", ""],
  ["exits", "process.exit(1);"],
  ["throws", "setImmediate(() => { throw new Error(); });"],
  ["is killed a second later", "setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1_500);"],
])("no line of the log is lost when the process %s", (_, end) => {
  expect(linesOf(end)).toBe(1_000);
});
