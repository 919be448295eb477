import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startCommand } from "#test/support/process.ts";
import { until } from "#test/support/until.ts";
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from "./embeddedPostgres.ts";

let home: string;
let started: EmbeddedPostgres[];

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "holdfast-home-"));
  chmodSync(home, 0o755);
  started = [];
});
afterEach(async () => {
  for (const server of started) await server.stop();
  rmSync(home, { recursive: true, force: true });
});

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir: path.join(home, "postgres"), ...options });
  started.push(server);
  return server;
}

async function query<T extends object>(url: string, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client
    .query<T>(text)
    .then(({ rows }) => rows)
    .finally(() => client.end());
}

/** Another process that starts the database, with further options as source text. */
function startOwnerProcess(options = "") {
  const module = path.join(import.meta.dirname, "embeddedPostgres.ts");
  const source = `
    import { readFileSync } from "node:fs";
    import { startEmbeddedPostgres } from ${JSON.stringify(module)};
    const server = await startEmbeddedPostgres({ ${options} dataDir: ${JSON.stringify(path.join(home, "postgres"))} });
    console.log("postmaster " + server.pid);
    setInterval(() => {}, 1000);`;
  return startCommand(process.execPath, { args: ["--input-type=module", "-e", source] });
}

/** Another process that owns the database, and its postmaster's process id. */
async function startOwner() {
  const owner = startOwnerProcess();
  const [, pid] = await owner.waitForLine(/postmaster (\d+)/);
  return { owner, postmaster: Number(pid) };
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

test("UTF-8, C locale, loopback only, a random password that only its owner can read", async () => {
  const server = await start();
  const [settings] = await query(
    server.url,
    `SELECT current_setting('listen_addresses') AS listen, current_setting('unix_socket_directories') AS sockets,
       current_setting('fsync') AS fsync, pg_encoding_to_char(encoding) AS encoding, datcollate AS collate
     FROM pg_database WHERE datname = current_database()`,
  );
  expect(settings).toEqual({ listen: "127.0.0.1", sockets: "", fsync: "on", encoding: "UTF8", collate: "C" });
  const passwordFile = path.join(home, "postgres", "password");
  expect(statSync(passwordFile).mode & 0o777).toBe(0o600);
  expect(new URL(server.url).password).toBe(readFileSync(passwordFile, "utf8"));
  const wrong = Object.assign(new URL(server.url), { password: "wrong" }).href;
  await expect(query(wrong, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
});

test("data outlives stop, restart and kill -9 of the server; restart keeps port and URL", async () => {
  const first = await start();
  await query(first.url, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)");
  await first.restart();
  await query(first.url, "INSERT INTO kept VALUES (2)");
  await first.restart("crash");
  await query(first.url, "INSERT INTO kept VALUES (3)");
  process.kill(first.pid, "SIGKILL");
  await until(() => !isRunning(first.pid));
  const second = await start();
  expect(await query(second.url, "SELECT n FROM kept ORDER BY n")).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test("the owner learns that the server ended by itself, and not that it stopped it", async () => {
  const ends: unknown[] = [];
  const onUnexpectedExit: EmbeddedPostgresOptions["onUnexpectedExit"] = (_code, signal) => ends.push(signal);
  const server = await start({ onUnexpectedExit });
  await server.restart();
  expect(ends).toEqual([]);
  process.kill(server.pid, "SIGKILL");
  await until(() => ends.length > 0);
  expect(ends).toEqual(["SIGKILL"]);
});

test("a server left behind by a killed owner is stopped and started anew, with its data", async () => {
  const { owner, postmaster } = await startOwner();
  await owner.kill9();
  expect(isRunning(postmaster)).toBe(true);
  const server = await start();
  expect(server.pid).not.toBe(postmaster);
  expect(isRunning(postmaster)).toBe(false);
  expect(await query(server.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

test("a server whose owner lives is left alone", async () => {
  const { owner, postmaster } = await startOwner();
  await expect(start()).rejects.toMatchObject({ code: "postgres_in_use" });
  expect(isRunning(postmaster)).toBe(true);
  await owner.kill9();
  await start(); // stops the orphan
});

test("a server that is still starting is left alone too, and its owner gets it", async () => {
  const cluster = path.join(home, "postgres", "cluster");
  const owner = startOwnerProcess(`log: (line) => {
    if (!line.includes("starting PostgreSQL")) return;
    const [pid] = readFileSync(${JSON.stringify(path.join(cluster, "postmaster.pid"))}, "utf8").split("\\n");
    process.kill(Number(pid), "SIGSTOP");
    console.log("held back " + pid);
  },`);
  const [, held] = await owner.waitForLine(/held back (\d+)/);
  await expect(start()).rejects.toMatchObject({ code: "postgres_in_use" });
  process.kill(Number(held), "SIGCONT");
  const [, pid] = await owner.waitForLine(/postmaster (\d+)/);
  expect(pid).toBe(held);
  await expect(start()).rejects.toMatchObject({ code: "postgres_in_use" });
  await owner.kill9();
  await start(); // stops the orphan
});

test("of several that start at once on the same data one gets them, and none stops another's", async () => {
  await (await start()).stop();
  const starts = await Promise.allSettled([start(), start(), start()]);
  const [server, ...others] = starts.filter(({ status }) => status === "fulfilled");
  expect(others).toEqual([]);
  const { value } = server as PromiseFulfilledResult<EmbeddedPostgres>;
  expect(isRunning(value.pid)).toBe(true);
  expect(await query(value.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

test("a start that is aborted leaves no server behind", async () => {
  const abort = new AbortController();
  let postmaster = 0;
  const log = (line: string) => {
    if (!line.includes("starting PostgreSQL")) return;
    postmaster = Number(
      readFileSync(path.join(home, "postgres", "cluster", "postmaster.pid"), "utf8").split("\n")[0],
    );
    abort.abort();
  };
  await expect(start({ log, signal: abort.signal })).rejects.toMatchObject({ name: "AbortError" });
  expect(postmaster).toBeGreaterThan(1);
  expect(isRunning(postmaster)).toBe(false);
});

test("Ctrl-C in the terminal does not reach the server: it has a process group of its own", async () => {
  const server = await start();
  const group = execFileSync("ps", ["-o", "pgid=", "-p", String(server.pid)], { encoding: "utf8" });
  expect(Number(group)).toBe(server.pid);
});

test.runIf(process.getuid?.() === 0)("root's own directory (mode 0700) can hold the data", async () => {
  const closed = path.join(home, "closed");
  mkdirSync(closed, { mode: 0o700 });
  const server = await start({ dataDir: path.join(closed, "postgres") });
  expect(await query(server.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});
