import pg from "pg";
import { createPublicClient, http } from "viem";
import { expect, test } from "vitest";
import { drizzle, sql } from "./db/drizzle.ts";
import { errorForLog } from "./errorForLog.ts";

test("an RPC URL's user, path and query stay out of the log, its host does not", async () => {
  // Nothing listens at port 1, and no request leaves this machine.
  const rpcUrl = "http://user:hunter1@127.0.0.1:1/v3/hunter2?key=hunter3#hunter4";
  const client = createPublicClient({ transport: http(rpcUrl, { retryCount: 0 }) });
  const error = await client.getChainId().then(
    () => null,
    (reason: unknown) => reason,
  );
  const written = JSON.stringify(errorForLog(error));
  expect(written).not.toMatch(/hunter/);
  expect(written).toContain("http://127.0.0.1:1/…");
  expect(written).toContain("HttpRequestError");
});

test("the code, the causes and where it happened are kept; what else hangs on an error is not", () => {
  const cause = new Error("postgres://app:hunter1@db.example:5432/app refused");
  const error = Object.assign(new Error("no answer", { cause }), { code: "08006", detail: "hunter2" });
  const kept = errorForLog(error) as Record<string, string>;
  expect(kept).toMatchObject({ type: "Error", code: "08006" });
  expect(kept.message).toContain("no answer");
  expect(kept.stack).toContain("postgres://db.example:5432/… refused");
  expect(kept.stack).toContain("errorForLog.test.ts");
  expect(JSON.stringify(kept)).not.toMatch(/hunter/);
});

test("of a statement that failed its values stay out of the log, and its text and its cause do not", async () => {
  const pool = new pg.Pool({ connectionString: "postgres://127.0.0.1:1/nothing" });
  const error = await drizzle(pool)
    .execute(sql`SELECT ${"Case 12\nconcerns jane.roe@private.example\n    at jane.roe"}::text`)
    .then(
      () => null,
      (reason: unknown) => reason,
    );
  await pool.end();
  const written = JSON.stringify(errorForLog(error));
  expect(written).toContain("SELECT $1::text");
  expect(written).toContain("ECONNREFUSED");
  expect(written).not.toContain("jane.roe");
  expect(written).toContain("errorForLog.test.ts");
  const wrapped = new Error("could not place the hold", { cause: error });
  expect(JSON.stringify(errorForLog(wrapped))).not.toContain("jane.roe");
  expect(JSON.stringify(errorForLog(wrapped))).toContain("SELECT $1::text");
});

test("what is thrown and is no error is written as it is", () => {
  expect(errorForLog("text")).toBe("text");
  expect(errorForLog(undefined)).toBeUndefined();
});

test("what PostgreSQL quotes of a value stays out of the log, and the name of what was violated does not", () => {
  const pgError = (message: string, more: object = {}) =>
    Object.assign(new pg.DatabaseError(message, message.length, "error"), {
      code: "22P02",
      detail: "Key (subject)=(jane.roe) exists",
      ...more,
    });
  const kept = errorForLog(pgError('invalid input syntax for type uuid: "jane.roe"')) as {
    message: string;
    stack: string;
  };
  expect(JSON.stringify(kept)).not.toContain("jane.roe");
  expect(kept.message).toBe('invalid input syntax for type uuid: "…"');
  expect(kept.stack).toContain("errorForLog.test.ts");
  const unique = pgError('duplicate key value violates unique constraint "consents_thread"', {
    code: "23505",
    constraint: "consents_thread",
  });
  expect(errorForLog(new Error("not stored", { cause: unique }))).toMatchObject({
    stack: expect.stringContaining('unique constraint "consents_thread"'),
  });
});
