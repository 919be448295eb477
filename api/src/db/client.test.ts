import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmbeddedPostgres } from "#scripts/embeddedPostgres.ts";
import { createDatabase, startTestPostgres } from "#test/support/postgres.ts";
import { connectDatabase, type Database, isDatabaseUnavailable } from "./client.ts";

let postgres: EmbeddedPostgres;
let db: Database;
beforeAll(async () => {
  postgres = await startTestPostgres({ durable: false });
  const url = await createDatabase(postgres);
  db = connectDatabase({ url, connectionsMax: 2, statementTimeoutMs: 5_000, onError: () => {} });
  await db.pool.query(
    "CREATE SCHEMA app; CREATE TABLE app.rows (id int PRIMARY KEY); INSERT INTO app.rows VALUES (1), (2)",
  );
});
afterAll(async () => {
  await db.pool.end();
  await postgres.stop();
});

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => error as Error & { code: string },
  );

/** What the second of two transactions gets that lock the same rows in opposite order. */
async function deadlock() {
  const [one, two] = await Promise.all([db.pool.connect(), db.pool.connect()]);
  const lock = "SELECT 1 FROM app.rows WHERE id = $1 FOR UPDATE";
  try {
    for (const client of [one, two]) await client.query("BEGIN");
    await one.query(lock, [1]);
    await two.query(lock, [2]);
    // The one that loses gives its locks back at once, so that the other can go on.
    const attempts = [
      [one, 2],
      [two, 1],
    ] as const;
    const errors = await Promise.all(
      attempts.map(async ([client, id]) => {
        const error = await errorOf(client.query(lock, [id]));
        await client.query("ROLLBACK");
        return error;
      }),
    );
    return errors.find((error) => error !== null) ?? null;
  } finally {
    one.release();
    two.release();
  }
}

const run = (text: string) => () => errorOf(db.pool.query(text));

describe("an error that passes may be answered with: try again", () => {
  test.each<[string, string, () => Promise<(Error & { code: string }) | null>, boolean]>([
    [
      "a statement that takes too long",
      "57014",
      run("SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)"),
      true,
    ],
    ["a deadlock", "40P01", deadlock, true],
    ["a standby", "25006", run("SET TRANSACTION READ ONLY; INSERT INTO app.rows VALUES (3)"), true],
    ["a view of the index that is not there yet", "42P01", run("SELECT 1 FROM chain.anchors"), true],
    ["a table of ours that is missing", "42P01", run("SELECT 1 FROM app.nothing"), false],
    ["a statement that is wrong", "42601", run("SELEC 1"), false],
    ["a value that is taken", "23505", run("INSERT INTO app.rows VALUES (1)"), false],
  ])("%s: %s", async (_name, code, provoke, passes) => {
    const error = await provoke();
    expect(error?.code).toBe(code);
    expect(isDatabaseUnavailable(error)).toBe(passes);
    expect(isDatabaseUnavailable(new Error("Failed query", { cause: error }))).toBe(passes);
  });
});
