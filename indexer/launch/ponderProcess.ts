import { type ChildProcess, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Ponder itself gives up an orderly shutdown after 5 s. */
const STOP_TIMEOUT_MS = 8_000;
const INDEXER_DIR = dirname(import.meta.dirname);
const PONDER_DIST = dirname(fileURLToPath(import.meta.resolve("ponder")));

/** The schema in which the API finds the views of whichever index is live. */
export const VIEWS_SCHEMA = "chain";

export type PonderOptions = {
  schema: string;
  host: string;
  port: number;
  databaseUrl: string;
  /** JSON of INDEXER_CHAINS, passed on as it is. */
  chainsJson: string;
  logLevel: string;
  /** Receives each line Ponder logs (JSON). */
  onLog: (line: string) => void;
};

export type PonderProcess = {
  /** Resolves with the port it serves on once everything up to the finalized block is indexed and the views show it. */
  live: Promise<number>;
  /** Resolves with the id of a chain that changed below its finalized block: Ponder cannot go on from there. */
  unrecoverable: Promise<number>;
  /** Resolves with the exit code; a signal counts as 1. */
  exited: Promise<number>;
  /** Asks for an orderly shutdown and enforces it after 8 s. */
  stop(): Promise<void>;
};

/** Starts `ponder start` as a child that ends when this process does. */
export function startPonder(options: PonderOptions): PonderProcess {
  const child = spawn(process.execPath, ponderArgs(options), {
    cwd: INDEXER_DIR,
    env: ponderEnv(options),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const exited = new Promise<number>((resolve, reject) => {
    child.once("exit", (code) => resolve(code ?? 1));
    child.once("error", reject);
  });
  return { ...signalsFrom(child, options.onLog), exited, stop: () => stopChild(child, exited) };
}

function ponderArgs({ schema, host, port, logLevel }: PonderOptions): string[] {
  const preload = ["--import", join(import.meta.dirname, "stopWithParent.ts")];
  const program = [join(PONDER_DIST, "bin", "ponder.js"), "--root", INDEXER_DIR, "--log-format", "json"];
  const views = ["--schema", schema, "--views-schema", VIEWS_SCHEMA];
  const listen = ["--port", String(port), "--hostname", host];
  return [...preload, ...program, "--log-level", logLevel, "start", ...views, ...listen];
}

/** PORT and DATABASE_* in the environment would override what we pass on the command line. */
function ponderEnv({ databaseUrl, chainsJson }: PonderOptions): NodeJS.ProcessEnv {
  const { PORT, DATABASE_SCHEMA, DATABASE_VIEWS_SCHEMA, ...environment } = process.env;
  return {
    ...environment,
    PONDER_TELEMETRY_DISABLED: "1",
    INDEXER_DATABASE_URL: databaseUrl,
    INDEXER_CHAINS: chainsJson,
  };
}

function signalsFrom(child: ChildProcess, onLog: (line: string) => void) {
  const live = Promise.withResolvers<number>();
  const unrecoverable = Promise.withResolvers<number>();
  let port: number | undefined;
  createInterface({ input: child.stdout! }).on("line", (line) => {
    const entry = parseEntry(line);
    if (entry.msg === "Created HTTP server") port = entry.port;
    if (entry.endpoint === "/ready" && port !== undefined) live.resolve(port);
    if (entry.msg === "Encountered unrecoverable reorg") unrecoverable.resolve(entry.chain_id!);
    if (entry.msg !== "Indexed block" || entry.event_count !== 0) onLog(line);
  });
  createInterface({ input: child.stderr! }).on("line", onLog);
  return { live: live.promise, unrecoverable: unrecoverable.promise };
}

type Entry = { msg?: string; port?: number; endpoint?: string; event_count?: number; chain_id?: number };

function parseEntry(line: string): Entry {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return {}; // what a library prints is passed on and means nothing to us
  }
}

async function stopChild(child: ChildProcess, exited: Promise<number>): Promise<void> {
  // Not SIGTERM: Vite, inside Ponder, answers that by leaving before Ponder has given its lock back.
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
