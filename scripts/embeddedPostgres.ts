import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { totalmem } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { keptSecret } from "./keptSecrets.ts";
import { asAccount, type PostgresAccount, postgresAccount, postgresBinDir } from "./postgresBinaries.ts";
import { noteOwner, noteStart, releaseStaleLock, stopPostmaster } from "./postmasterLock.ts";

const HOST = "127.0.0.1";
const READY_TIMEOUT_MS = 60_000;
const START_ATTEMPTS_MAX = 5;
const SHARED_BUFFERS_MB = { least: 128, most: 2_048 };

export type EmbeddedPostgresOptions = {
  /** Holds `cluster/` (the data) and `password` (mode 0600); created when missing, kept between starts. */
  dataDir: string;
  /** TCP port on loopback; 0 (the default) takes a free one, which restart() keeps. */
  port?: number;
  /** false turns fsync off: faster, and a power cut may lose everything. Default true. */
  durable?: boolean;
  /** Further server settings, for example `{ shared_buffers: "512MB" }`. */
  settings?: Record<string, string>;
  /** Receives the server's log, line by line. */
  log?: (line: string) => void;
  /** Aborted while the server starts: it is stopped, and the start rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called when the server ends without stop() or restart(): the owner decides what that means. */
  onUnexpectedExit?: (code: number | null, signal: NodeJS.Signals | null) => void;
};

export type EmbeddedPostgres = {
  /** Connection string of the superuser to the database `postgres`. */
  readonly url: string;
  readonly port: number;
  /** Process id of the running postmaster; changes with restart(). */
  readonly pid: number;
  /** Clean fast shutdown; may be called again. */
  stop(): Promise<void>;
  /** Stops and starts on the same port. `crash` stops without a checkpoint, so that the next start recovers from the log. */
  restart(how?: "clean" | "crash"): Promise<void>;
};

type Running = { child: ChildProcess; exited: Promise<void> };

/**
 * Starts the PostgreSQL that npm installed, on loopback only and in its own process group, so that a Ctrl-C in the terminal
 * reaches its owner and not the database. A server that an earlier run left behind on the same data is stopped first.
 * @throws {PostgresInUseError} when a living owner already serves the data.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => {});
  const account = postgresAccount();
  const dataDir = resolve(options.dataDir);
  const clusterDir = join(dataDir, "cluster");
  const password = readOrCreatePassword(dataDir);
  await createCluster({ dataDir, clusterDir, account, log });

  let { running, port } = await startOnFreePort();
  let stopping = false;

  async function startOnFreePort(): Promise<{ running: Running; port: number }> {
    for (let attempt = 1; ; attempt++) {
      options.signal?.throwIfAborted();
      await releaseStaleLock(clusterDir, log);
      const chosen = options.port || (await findFreePort());
      try {
        return { running: await startServer(chosen), port: chosen };
      } catch (error) {
        // Between the look and the start somebody else may have taken the port, or the data: then the next look says so.
        if (options.signal?.aborted || options.port || attempt === START_ATTEMPTS_MAX) throw error;
      }
    }
  }

  async function startServer(onPort: number): Promise<Running> {
    const args = ["-D", clusterDir, "-p", String(onPort), ...settingArgs(options)];
    noteStart(clusterDir);
    const started = spawnServer(
      asAccount(account, join(postgresBinDir(), "postgres"), args, [join(clusterDir, "PG_VERSION")]),
      log,
    );
    await waitUntilReady(started, urlOf(password, onPort), options.signal);
    noteOwner(clusterDir);
    started.child.once("exit", (code, signal) => {
      if (!stopping) options.onUnexpectedExit?.(code, signal);
    });
    return started;
  }

  async function stopServer(how: "clean" | "crash"): Promise<void> {
    stopping = true;
    if (running.child.exitCode !== null || running.child.signalCode !== null) return;
    if (how === "crash") running.child.kill("SIGQUIT");
    else await stopPostmaster(running.child.pid!);
    await running.exited;
  }

  return {
    url: urlOf(password, port),
    port,
    get pid() {
      return running.child.pid!;
    },
    stop: () => stopServer("clean"),
    async restart(how = "clean") {
      await stopServer(how);
      running = await startServer(port);
      stopping = false;
    },
  };
}

function urlOf(password: string, port: number): string {
  return `postgres://postgres:${password}@${HOST}:${port}/postgres`;
}

function settingArgs({ durable = true, settings = {} }: EmbeddedPostgresOptions): string[] {
  const fast = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };
  const all = {
    listen_addresses: HOST,
    unix_socket_directories: "",
    max_connections: "200",
    shared_buffers: `${sharedBuffersMb()}MB`,
    timezone: "UTC",
    log_timezone: "UTC",
    ...(durable ? {} : fast),
    ...settings,
  };
  return Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** A quarter of the memory, up to 2 GB, as PostgreSQL's documentation proposes (§19.4): its default of 128 MB is soon too small for the index. */
function sharedBuffersMb(): number {
  const memoryMb = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 2 ** 20;
  return Math.floor(Math.min(SHARED_BUFFERS_MB.most, Math.max(SHARED_BUFFERS_MB.least, memoryMb / 4)));
}

function spawnServer(how: ReturnType<typeof asAccount>, log: (line: string) => void): Running {
  const { command, args, ...account } = how;
  const child = spawn(command, args, {
    ...account,
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
    env: cleanEnv(),
  });
  createInterface({ input: child.stderr! }).on("line", log);
  const exited = new Promise<void>((resolveExit, reject) => {
    child.once("exit", () => resolveExit());
    child.once("error", reject);
  });
  return { child, exited };
}

async function waitUntilReady({ child, exited }: Running, url: string, signal?: AbortSignal): Promise<void> {
  let failure: Error | undefined;
  const lines: string[] = [];
  createInterface({ input: child.stderr! }).on("line", (line) => lines.push(line));
  exited.then(
    () => {
      failure = new Error(`PostgreSQL did not start: ${lines.slice(-5).join(" | ")}`);
    },
    (error: Error) => {
      failure = error;
    },
  );
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!signal?.aborted && !(await canConnect(url))) {
    if (failure) throw failure;
    if (Date.now() > deadline) {
      child.kill("SIGQUIT");
      throw new Error(`PostgreSQL was not ready after ${READY_TIMEOUT_MS} ms`);
    }
    await delay(25);
  }
  if (!signal?.aborted) return;
  await stopPostmaster(child.pid!);
  throw signal.reason;
}

async function canConnect(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

function readOrCreatePassword(dataDir: string): string {
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  return keptSecret(join(dataDir, "password"));
}

/** The cluster appears under its name only when it is complete: a crash in between leaves nothing that looks finished. */
async function createCluster(cluster: {
  dataDir: string;
  clusterDir: string;
  account: PostgresAccount;
  log: (line: string) => void;
}): Promise<void> {
  const { dataDir, clusterDir, account, log } = cluster;
  if (existsSync(clusterDir)) return;
  const unfinished = `${clusterDir}.new`;
  const passwordFile = `${clusterDir}.password`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(passwordFile, readOrCreatePassword(dataDir), { mode: 0o600 });
  if (account) for (const path of [unfinished, passwordFile]) chownSync(path, account.uid, account.gid);
  const args = ["-D", unfinished, "-U", "postgres", "--pwfile", passwordFile, "--auth", "scram-sha-256"];
  const program = join(postgresBinDir(), "initdb");
  const how = asAccount(account, program, [...args, "--encoding", "UTF8", "--locale", "C"], [unfinished]);
  const said: string[] = [];
  const { child, exited } = spawnServer(how, (line) => {
    said.push(line);
    log(line);
  });
  await exited;
  rmSync(passwordFile, { force: true });
  if (child.exitCode !== 0)
    throw new Error(
      `initdb ended with ${child.exitCode ?? child.signalCode}: ${said.slice(-5).join(" | ")}${
        account === undefined
          ? ""
          : "; PostgreSQL does not run as root, so its account must be able to reach this folder"
      }`,
    );
  renameSync(unfinished, clusterDir);
}

/** PG* variables of the caller's shell would redirect or reconfigure the server. */
function cleanEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PG")));
}

function findFreePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === "object" ? resolvePort(address.port) : reject(new Error("no port")),
      );
    });
  });
}
