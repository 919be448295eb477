import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startProcess } from "#test/support/process.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "holdfast-checks-"));
  symlinkSync(path.resolve("node_modules"), path.join(folder, "node_modules"));
  writeFileSync(
    path.join(folder, "vitest.config.mjs"),
    `export default { test: { projects: [{ test: { name: "unit", include: ["*.test.mjs"] } }] } };`,
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

/** `npm test -- --only unit` in a folder that holds these tests. */
async function runTests(tests: string) {
  writeFileSync(path.join(folder, "some.test.mjs"), `import { expect, test } from "vitest";\n${tests}`);
  const run = startProcess("scripts/test.ts", { args: ["--only", "unit"], cwd: folder });
  const { code } = await run.exited;
  return { code, lastLine: run.output().trimEnd().split("\n").at(-1) };
}

const passing = `test("passes", () => expect(1).toBe(1));`;

test("tests that were skipped are counted in the last line", async () => {
  expect(await runTests(`${passing} test.skip("left out", () => {}); test.todo("to come");`)).toEqual({
    code: 0,
    lastLine: "1 passed, 0 failed, 2 skipped",
  });
});

test("without skipped tests the last line says only what passed and failed", async () => {
  expect(await runTests(`${passing} test("fails", () => expect(1).toBe(2));`)).toEqual({
    code: 1,
    lastLine: "1 passed, 1 failed",
  });
});
