import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const projectRoot = path.join(import.meta.dirname, "..");
const hardhat = path.join(projectRoot, "node_modules/.bin/hardhat");

test("the exported ABI, creation bytecode, address and code hash are those of the contract's source", async () => {
  const check = promisify(execFile)(process.execPath, [hardhat, "export-contract", "--check"], {
    cwd: projectRoot,
  });
  await expect(check).resolves.toBeDefined();
});
