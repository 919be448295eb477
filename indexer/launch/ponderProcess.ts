import { type ChildProcess, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ChainSettings } from "../chainSettings.ts";

/** Ponder itself gives up an orderly shutdown after 5 s. */
const STOP_TIMEOUT_MS = 8_000;
const INDEXER_DIR = dirname(import.meta.dirname);
const PONDER_DIST = dirname(fileURLToPath(import.meta.resolve("ponder")));

export type PonderOptions = {
  /** "start" indexes into the schema; "serve" answers GraphQL from it and changes nothing. */
  command: "start" | "serve";
  schema: string;
  host: string;
  /** TCP port; not 0, Ponder cannot tell which one it got. If it is taken, Ponder takes the next one. */
  port: number;
  databaseUrl: string;
  /** The chain to index; "serve" asks it nothing, but Ponder wants one. */
  chain: ChainSettings;
  logLevel: string;
};

export type PonderProcess = {
  /** Resolves with the port it serves on once it listens. */
  listening: Promise<number>;
  /** Resolves once everything up to the finalized block is indexed; only of "start". */
  indexed: Promise<void>;
  /** Resolves when the chain has changed below its finalized block: Ponder cannot go on from there. */
  unrecoverable: Promise<void>;
  /** Resolves with the exit code; a signal counts as 1. */
  exited: Promise<number>;
  /** Asks for an orderly shutdown and enforces it after 8 s. */
  stop(): Promise<void>;
};

/** Starts Ponder as a child that ends when this process does. What it logs (JSON) goes to our stdout. */
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
  return { ...signalsFrom(child), exited, stop: () => stopChild(child, exited) };
}

function ponderArgs({ command, schema, host, port, logLevel }: PonderOptions): string[] {
  const preload = ["--import", join(import.meta.dirname, "stopWithParent.ts")];
  const program = [join(PONDER_DIST, "bin", "ponder.js"), "--root", INDEXER_DIR, "--log-format", "json"];
  const listen = ["--port", String(port), "--hostname", host];
  return [...preload, ...program, "--log-level", logLevel, command, "--schema", schema, ...listen];
}

/** PORT and DATABASE_* in the environment would override what we pass on the command line. */
function ponderEnv({ databaseUrl, chain }: PonderOptions): NodeJS.ProcessEnv {
  const { PORT, DATABASE_SCHEMA, DATABASE_VIEWS_SCHEMA, ...environment } = process.env;
  return {
    ...environment,
    PONDER_TELEMETRY_DISABLED: "1",
    INDEXER_DATABASE_URL: databaseUrl,
    INDEXER_CHAINS: JSON.stringify([{ ...chain, rpcUrl: chain.rpcUrls }]),
  };
}

function signalsFrom(child: ChildProcess) {
  const listening = Promise.withResolvers<number>();
  const indexed = Promise.withResolvers<void>();
  const unrecoverable = Promise.withResolvers<void>();
  const pass = (line: string) => process.stdout.write(`${line}\n`);
  createInterface({ input: child.stdout! }).on("line", (line) => {
    const entry = parseEntry(line);
    if (entry.msg === "Created HTTP server") listening.resolve(entry.port!);
    if (entry.endpoint === "/ready") indexed.resolve();
    if (entry.msg === "Encountered unrecoverable reorg") unrecoverable.resolve();
    if (entry.msg !== "Indexed block" || entry.event_count !== 0) pass(line);
  });
  createInterface({ input: child.stderr! }).on("line", pass);
  return {
    listening: listening.promise,
    indexed: indexed.promise,
    unrecoverable: unrecoverable.promise,
  };
}

type Entry = { msg?: string; port?: number; endpoint?: string; event_count?: number };

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
