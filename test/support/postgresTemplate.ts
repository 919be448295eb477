import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Names the template's folder to the processes that run test files. */
const TEMPLATE = "HOLDFAST_TEST_POSTGRES";

/** Global set-up of vitest: makes the cluster that the servers of all test files begin as copies of, for making one takes longer than many a test. */
export default function makeTemplate(): () => void {
  const dataDir = mkdtempSync(join(tmpdir(), "holdfast-pg-template-"));
  // vitest runs its set-up in a context without import.meta.resolve, so a process of its own starts the server.
  execFileSync(process.execPath, [join(import.meta.dirname, "makePostgresTemplate.ts"), dataDir]);
  process.env[TEMPLATE] = dataDir;
  return () => rmSync(dataDir, { recursive: true, force: true });
}

/** Copies the template with its owner and password. Where there is none, the server makes a cluster when it starts. */
export function copyTemplate(dataDir: string): void {
  const template = process.env[TEMPLATE];
  if (template !== undefined) execFileSync("cp", ["-a", `${template}/.`, dataDir]);
}
