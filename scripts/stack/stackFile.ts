import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What `$HOLDFAST_HOME/stack.json` (mode 0600) tells whoever wants to talk to the running stack. */
export type StackFile = {
  api: string;
  indexer: string;
  rpc: string;
  database: string;
  chainId: number;
  contract: string;
  publisher: string;
  adminKey: string;
  /** Whether webhooks may call this machine (WEBHOOK_ALLOW_LOOPBACK). */
  webhookAllowLoopback: boolean;
};

const fileIn = (home: string) => join(home, "stack.json");

/** Written when the stack is ready, whole or not at all. */
export function writeStackFile(home: string, stack: StackFile): void {
  const written = `${fileIn(home)}.new`;
  writeFileSync(written, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 });
  renameSync(written, fileIn(home));
}

/** Removed when the stack stops: where the file is, a stack is (or was killed). */
export function removeStackFile(home: string): void {
  rmSync(fileIn(home), { force: true });
}
