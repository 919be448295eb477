import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 20;

/** A living process of ours already serves this data directory: two owners would stop each other's database. */
export class PostgresInUseError extends Error {
  readonly code = "postgres_in_use";
  constructor(dataDir: string, ownerPid: number) {
    super(`PostgreSQL in ${dataDir} is in use by process ${ownerPid}`);
    this.name = "PostgresInUseError";
  }
}

/**
 * Frees a data directory that an earlier run left locked: stops the postmaster that outlived its owner (by its own process
 * id, after checking that it serves this very directory) or removes the lock file of one that is gone.
 * @param clusterDir the directory given to postgres with -D.
 * @throws {PostgresInUseError} when the postmaster's owner is alive.
 */
export async function releaseStaleLock(clusterDir: string, log: (line: string) => void): Promise<void> {
  const lockFile = join(clusterDir, "postmaster.pid");
  const pid = readLock(lockFile);
  if (pid === undefined) return;
  const running = findProcess(pid);
  if (running?.args.includes(clusterDir)) {
    if (listOwners(clusterDir).includes(running.parentPid))
      throw new PostgresInUseError(clusterDir, running.parentPid);
    log(`stopping the PostgreSQL (process ${pid}) that an earlier run left behind`);
    await stopPostmaster(pid);
  }
  // A process id that now belongs to someone else would keep PostgreSQL from starting for ever. Another id is another start's.
  if (readLock(lockFile) === pid) rmSync(lockFile, { force: true });
}

/** Process id in PostgreSQL's lock file; undefined when there is none. */
function readLock(lockFile: string): number | undefined {
  return existsSync(lockFile) ? Number(readFileSync(lockFile, "utf8").split("\n", 1)[0]) : undefined;
}

/** Fast shutdown (SIGINT: sessions are cut, everything is written), then an immediate one if that takes too long. */
export async function stopPostmaster(pid: number): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    if (!sendSignal(pid, signal)) return;
    const deadline = Date.now() + STOP_TIMEOUT_MS;
    while (Date.now() < deadline) {
      if (!isAlive(pid)) return;
      await delay(POLL_MS);
    }
  }
  throw new Error(`PostgreSQL (process ${pid}) does not stop`);
}

/**
 * Notes this process as one that starts a postmaster on the data: before it does, so that a second start never takes the new
 * postmaster for one left behind. Of several that try at once PostgreSQL lets one through, so the earlier notes stay.
 */
export function noteStart(clusterDir: string): void {
  appendFileSync(ownersFile(clusterDir), `\n${process.pid}`);
}

/** Notes this process as the only owner, once its postmaster serves the data. */
export function noteOwner(clusterDir: string): void {
  writeFileSync(ownersFile(clusterDir), String(process.pid));
}

function listOwners(clusterDir: string): number[] {
  if (!existsSync(ownersFile(clusterDir))) return [];
  return readFileSync(ownersFile(clusterDir), "utf8").trim().split("\n").map(Number);
}

function ownersFile(clusterDir: string): string {
  return join(clusterDir, "holdfast-owner.pid");
}

function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** A zombie has stopped: it only waits to be collected by its parent. */
function isAlive(pid: number): boolean {
  const found = findProcess(pid);
  return found !== undefined && !found.zombie;
}

function findProcess(pid: number): { parentPid: number; args: string; zombie: boolean } | undefined {
  try {
    const line = existsSync("/proc/self/stat") ? fromProc(pid) : fromPs(pid);
    const [, parentPid, state, args] = /^\s*(\d+)\s+(\S+)\s+(.*)/s.exec(line) ?? [];
    return { parentPid: Number(parentPid), args: args ?? "", zombie: state?.startsWith("Z") === true };
  } catch {
    return undefined;
  }
}

function fromProc(pid: number): string {
  // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
  const [state, parentPid] = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return `${parentPid} ${state} ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")}`;
}

function fromPs(pid: number): string {
  return execFileSync("ps", ["-o", "ppid=,stat=,args=", "-p", String(pid)], { encoding: "utf8" });
}
