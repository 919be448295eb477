/**
 * `npm test [-- --only STEP[,STEP…]]`: every check there is, in order, each as its own command. Goes on after a failure, and ends with
 * a line "N passed, N failed" over all tests, and ", N skipped" when there are any; a check without tests of its own counts as one. Exit code 1 when anything failed, or when none of the chosen steps' tests ran.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

type Count = { passed: number; failed: number; skipped: number };
type Run = { code: number; output: string };
type Step = { name: string; command: string[]; count?: (run: Run) => Count };

const reports = mkdtempSync(join(tmpdir(), "holdfast-test-"));

/** vitest's JSON report; a run that wrote none failed as a whole. */
function vitest(project: string): Step {
  const file = join(reports, `${project}.json`);
  return {
    name: project,
    command: [
      "vitest",
      "run",
      "--project",
      project,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${file}`,
    ],
    count: ({ code }) => {
      const report = readReport(file);
      const count = {
        passed: report?.numPassedTests ?? 0,
        failed: report?.numFailedTests ?? 0,
        skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
      };
      // A suite that cannot be loaded, or an error outside of a test, fails the run without failing a test.
      return code !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
    },
  };
}

type Report = Record<"numPassedTests" | "numFailedTests" | "numPendingTests" | "numTodoTests", number>;

function readReport(file: string): Report | null {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

/** Hardhat's summary of Solidity tests: "12 passing", "1 failing", "1 skipped". */
function countSolidity({ code, output }: Run): Count {
  const sum = (word: string) =>
    [...output.matchAll(new RegExp(`(\\d+) ${word}`, "g"))].reduce((total, [, n]) => total + Number(n), 0);
  const count = { passed: sum("passing"), failed: sum("failing"), skipped: sum("skipped") };
  return code !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

const STEPS: Step[] = [
  { name: "lint", command: ["biome", "check", "."] },
  { name: "build", command: ["hardhat", "build"] },
  { name: "contract", command: ["hardhat", "export-contract", "--check"] },
  { name: "types", command: ["tsc", "--noEmit"] },
  {
    name: "boundaries",
    command: [
      "depcruise",
      "--config",
      ".dependency-cruiser.js",
      "api",
      "indexer",
      "protocol",
      "verifier",
      "scripts",
      "test",
    ],
  },
  { name: "solidity", command: ["hardhat", "test", "solidity", "--snapshot-check"], count: countSolidity },
  vitest("unit"),
  vitest("integration"),
  vitest("e2e"),
];

function run([command, ...args]: string[]): Promise<Run> {
  const child = spawn(join("node_modules", ".bin", command!), args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk;
      process.stdout.write(chunk);
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

function chosenSteps(): Step[] {
  const { values } = parseArgs({ options: { only: { type: "string" }, help: { type: "boolean" } } });
  if (values.help) {
    console.log(`Usage: npm test [-- --only <step>,…]\nSteps: ${STEPS.map((step) => step.name).join(", ")}`);
    process.exit(0);
  }
  if (values.only === undefined) return STEPS;
  const names = values.only.split(",");
  const unknown = names.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0)
    throw new Error(
      `No such step: ${unknown.join(", ")}. There are: ${STEPS.map((step) => step.name).join(", ")}`,
    );
  return STEPS.filter((step) => names.includes(step.name));
}

const total: Count = { passed: 0, failed: 0, skipped: 0 };
const failedSteps: string[] = [];
let testsRun = 0;
const chosen = chosenSteps();
for (const step of chosen) {
  const startedAt = Date.now();
  console.log(`\n── ${step.name}: ${step.command.join(" ")}`);
  const result = await run(step.command);
  const count = step.count?.(result) ?? {
    passed: Number(result.code === 0),
    failed: Number(result.code !== 0),
    skipped: 0,
  };
  total.passed += count.passed;
  total.failed += count.failed;
  total.skipped += count.skipped;
  if (step.count) testsRun += count.passed + count.failed;
  if (count.failed > 0) failedSteps.push(step.name);
  console.log(
    `── ${step.name}: ${count.failed === 0 ? "passed" : "FAILED"} in ${Math.round((Date.now() - startedAt) / 1_000)} s`,
  );
}
rmSync(reports, { recursive: true, force: true });
if (failedSteps.length > 0) console.log(`\nFailed: ${failedSteps.join(", ")}`);
const testsMissing = testsRun === 0 && chosen.some((step) => step.count);
if (testsMissing) console.log("\nNo test ran");
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 || testsMissing ? 1 : 0;
