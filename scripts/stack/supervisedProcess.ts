import { type ChildProcess, fork } from "node:child_process";
import { createWriteStream } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export type SupervisedOptions = {
  name: string;
  script: string;
  args?: string[];
  env: Record<string, string>;
  /** Everything that the process writes goes there. */
  logFile: string;
  /** The message over IPC, or the line on stdout, after which the process counts as started; answers what it tells. */
  startedBy: (event: { message?: unknown; line?: string }) => string | undefined;
  /** Hears that the process ended by itself and is started again. */
  onRestart: (name: string, code: number | null) => void;
  /** Awaited after each further start, with what it told. */
  afterRestart?: (told: string) => Promise<void>;
  /** Aborted during the first start: the process is stopped, and the start rejects with the signal's reason. */
  signal?: AbortSignal;
};

export type SupervisedProcess = {
  /** What `startedBy` made of the latest start. */
  readonly told: string;
  /** Changes with every restart. */
  readonly pid: number;
  stop(): Promise<void>;
};

const START_DEADLINE_MS = 120_000;
const STOP_GRACE_MS = 15_000;
const RESTART_PAUSE_MS = 500;

export class StartFailedError extends Error {
  override name = "StartFailedError";
}

/**
 * Runs a script of ours in a process of its own and starts it again when it ends unasked. The process group is its own, so
 * that a Ctrl-C reaches only the supervisor, which stops things in order; the IPC channel tells it when the supervisor is gone.
 * @throws {StartFailedError} when the first start does not get through; the log file tells why.
 */
export async function superviseProcess(options: SupervisedOptions): Promise<SupervisedProcess> {
  let stopping = false;
  let current = startOnce(options);
  let told = await firstStart(current, options.signal);
  void keepRunning();

  async function keepRunning(): Promise<void> {
    while (!stopping) {
      const code = await current.exited;
      if (stopping) return;
      options.onRestart(options.name, code);
      await delay(RESTART_PAUSE_MS);
      if (stopping) return;
      current = startOnce(options);
      const restarted = await current.started.catch(() => undefined);
      if (restarted === undefined) continue;
      told = restarted;
      if (!stopping) await options.afterRestart?.(told);
    }
  }

  return {
    get told() {
      return told;
    },
    get pid() {
      return current.child.pid!;
    },
    async stop() {
      stopping = true;
      await current.stop();
    },
  };
}

/** A start that does not get through leaves no process behind. */
async function firstStart({ started, stop }: Started, signal?: AbortSignal): Promise<string> {
  const onAbort = () => void stop();
  signal?.addEventListener("abort", onAbort);
  try {
    signal?.throwIfAborted();
    return await started;
  } catch (error) {
    await stop();
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

type Started = {
  child: ChildProcess;
  started: Promise<string>;
  exited: Promise<number | null>;
  stop: () => Promise<void>;
};

function startOnce({ name, script, args = [], env, logFile, startedBy }: SupervisedOptions): Started {
  const log = createWriteStream(logFile, { flags: "a" });
  const child = fork(script, args, {
    env,
    execArgv: [],
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const started = new Promise<string>((resolve, reject) => {
    const fail = (reason: string) =>
      reject(new StartFailedError(`${name} did not start: ${reason}; see ${logFile}`));
    const deadline = setTimeout(fail, START_DEADLINE_MS, "it took too long");
    const look = (event: { message?: unknown; line?: string }) => {
      const told = startedBy(event);
      if (told === undefined) return;
      clearTimeout(deadline);
      resolve(told);
    };
    child.on("message", (message) => look({ message }));
    onLines(child.stdout!, (line) => look({ line }));
    void exited.then((code) => {
      clearTimeout(deadline);
      fail(`it ended with code ${code}`);
    });
  });
  started.catch(() => {});
  child.stdout!.pipe(log, { end: false });
  child.stderr!.pipe(log, { end: false });
  return { child, started, exited, stop: () => stopChild(child, exited) };
}

async function stopChild(child: ChildProcess, exited: Promise<number | null>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
  await exited;
  clearTimeout(timer);
}

function onLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
  });
}
