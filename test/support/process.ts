import { type ChildProcess, type Serializable, spawn } from "node:child_process";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { watchForOrphans } from "./orphanWatch.ts";

const repositoryRoot = path.resolve(import.meta.dirname, "../..");
/** What Node has compiled once, it need not compile for the hundreds of processes that tests start. */
const compileCache = path.join(tmpdir(), "holdfast-compile-cache");
const outputDrainMs = 200;
const outputKeptMax = 8_000_000; // characters: a server that logs every request of a load test must not fill the memory

export type Exit = { code: number | null; signal: NodeJS.Signals | null };

export type StartedProcess = {
  pid: number;
  /** Resolves once, when the process has ended and its output is complete. */
  exited: Promise<Exit>;
  /** Kills as a power cut would, with no chance to clean up, and waits for the end. Children of the process live on. */
  kill9(): Promise<Exit>;
  /** SIGTERM, then SIGKILL to the whole process group after `graceMs` (default 10,000). */
  stop(graceMs?: number): Promise<Exit>;
  /** First match in a line of stdout or stderr, past lines included. Rejects when the process ends or `deadlineMs` (default 30,000) passes. */
  waitForLine(pattern: RegExp, deadlineMs?: number): Promise<RegExpMatchArray>;
  /** What was written so far to stdout and stderr, in order of arrival; of very much only the newest 8 million characters. */
  output(): string;
  /** Sends over the IPC channel; only with `ipc: true`. */
  send(message: Serializable): void;
  /** Calls `listener` for each IPC message; only with `ipc: true`. */
  onMessage(listener: (message: unknown) => void): void;
};

export type StartOptions = {
  args?: readonly string[];
  /** The whole environment beside PATH, HOME, TMPDIR and Node's compile cache: settings of the machine do not leak in. */
  env?: Record<string, string>;
  /** Default: the repository's root. */
  cwd?: string;
  ipc?: boolean;
};

/** Runs a script of the repository with the Node that runs the test. */
export function startProcess(script: string, options: StartOptions = {}): StartedProcess {
  const scriptPath = path.resolve(repositoryRoot, script);
  return startCommand(process.execPath, { ...options, args: [scriptPath, ...(options.args ?? [])] });
}

/** Runs a program in a process group of its own, which dies with the process that called this, however that one dies. */
export function startCommand(command: string, options: StartOptions = {}): StartedProcess {
  const child = spawn(command, [...(options.args ?? [])], {
    cwd: options.cwd ?? repositoryRoot,
    env: { ...inheritedEnvironment(), ...options.env },
    stdio: options.ipc ? ["ignore", "pipe", "pipe", "ipc"] : ["ignore", "pipe", "pipe"],
    detached: true,
  });
  if (child.pid === undefined) {
    child.on("error", () => {}); // the throw below tells it
    throw new Error(`${command} could not be started`);
  }
  const { pid } = child;
  const forget = watchForOrphans(pid);
  const exited = exitOf(child).finally(() => {
    if (!groupLives(pid)) forget();
  });
  return { pid, exited, ...controlsOf(child, exited), ...outputOf(child, exited, command) };
}

function inheritedEnvironment(): Record<string, string> {
  const nodeFirst = `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH ?? ""}`;
  const kept = {
    PATH: nodeFirst,
    HOME: process.env.HOME,
    TMPDIR: process.env.TMPDIR,
    NODE_COMPILE_CACHE: compileCache,
  };
  return Object.fromEntries(Object.entries(kept).filter((entry): entry is [string, string] => !!entry[1]));
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      // "close" means the output is complete; a grandchild that holds our pipes open can put it off for ever.
      const timer = setTimeout(resolve, outputDrainMs, { code, signal });
      child.once("close", () => {
        clearTimeout(timer);
        resolve({ code, signal });
      });
    });
  });
}

function controlsOf(child: ChildProcess, exited: Promise<Exit>) {
  return {
    kill9() {
      child.kill("SIGKILL");
      return exited;
    },
    async stop(graceMs = 10_000) {
      child.kill("SIGTERM");
      const timer = setTimeout(() => killGroup(child.pid!), graceMs);
      const exit = await exited;
      clearTimeout(timer);
      killGroup(child.pid!); // what it started and left behind
      return exit;
    },
    send(message: Serializable) {
      child.send(message);
    },
    onMessage(listener: (message: unknown) => void) {
      child.on("message", listener);
    },
  };
}

function groupLives(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, constants.signals.SIGKILL);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // already gone
  }
}

function outputOf(child: ChildProcess, exited: Promise<Exit>, command: string) {
  let text = "";
  let ended = false;
  const waiters = new Set<() => void>();
  const wake = () => {
    for (const waiter of waiters) waiter();
  };
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text = text.length > 2 * outputKeptMax ? text.slice(-outputKeptMax) + chunk : text + chunk;
      wake();
    });
  }
  void exited.then(() => {
    ended = true;
    wake();
  });

  return {
    output: () => text,
    waitForLine: (pattern: RegExp, deadlineMs = 30_000) =>
      new Promise<RegExpMatchArray>((resolve, reject) => {
        const settle = (finish: () => void) => {
          clearTimeout(timer);
          waiters.delete(look);
          finish();
        };
        const fail = (why: string) =>
          settle(() =>
            reject(new Error(`${command}: no line like ${pattern}: ${why}\n${text.slice(-4_000)}`)),
          );
        const look = () => {
          const match = firstMatch(ended ? text : wholeLines(text), pattern);
          if (match) settle(() => resolve(match));
          else if (ended) fail("the process ended");
        };
        const timer = setTimeout(() => fail(`${deadlineMs} ms passed`), deadlineMs);
        waiters.add(look);
        look();
      }),
  };
}

function wholeLines(text: string): string {
  return text.slice(0, text.lastIndexOf("\n") + 1);
}

function firstMatch(text: string, pattern: RegExp): RegExpMatchArray | null {
  for (const line of text.split("\n")) {
    const match = line.match(pattern);
    if (match) return match;
  }
  return null;
}
