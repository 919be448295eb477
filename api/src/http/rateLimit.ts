import { isIPv6 } from "node:net";
import type { Redis } from "ioredis";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";

/** Length of the fixed window (HA-13). */
const WINDOW_SECONDS = 60;

/** How many requests a subject has made in the current window, this one included, and when the window ends. */
export type RequestCount = { requests: number; windowEndsInSeconds: number };

/** Adds `requests` to each subject's window, in one step for all of them. */
export type Counter = (added: Map<string, number>) => Promise<Map<string, RequestCount>>;

/** SQL that counts rows (subject, requests) and answers (subject, requests, ends_in), to stand behind the rows' source. */
export const COUNT_ROWS = `
  ON CONFLICT (subject) DO UPDATE SET
    requests = CASE WHEN w.window_start = excluded.window_start THEN w.requests + excluded.requests ELSE excluded.requests END,
    window_start = excluded.window_start
  RETURNING subject, requests, ceil(extract(epoch FROM window_start + interval '60 seconds' - now()))::int AS ends_in`;

const COUNT = `
  INSERT INTO app.rate_limit_windows AS w (subject, window_start, requests)
  SELECT subject, date_bin('60 seconds', now(), 'epoch'), requests
  FROM unnest($1::text[], $2::int[]) AS added (subject, requests) ${COUNT_ROWS}`;

/** Counts in PostgreSQL. Subjects are sorted, so that two processes never lock the same rows in opposite order. */
export function countInPostgres({ pool }: Database): Counter {
  return async (added) => {
    const subjects = [...added.keys()].sort();
    const values = [subjects, subjects.map((subject) => added.get(subject))];
    const { rows } = await pool.query<{ subject: string; requests: number; ends_in: number }>({
      name: "count-requests",
      text: COUNT,
      values,
    });
    return new Map(
      rows.map((row) => [row.subject, { requests: row.requests, windowEndsInSeconds: row.ends_in }]),
    );
  };
}

/** Counts in Redis; while it does not answer, `fallback` counts, from nothing, and `onFallback` hears of it. */
export function countInRedis(
  redis: Redis,
  clock: () => Date,
  fallback: Counter,
  onFallback: (error: unknown) => void,
): Counter {
  return async (added) => {
    const nowSeconds = clock().getTime() / 1_000;
    const window = Math.floor(nowSeconds / WINDOW_SECONDS);
    const windowEndsInSeconds = Math.ceil((window + 1) * WINDOW_SECONDS - nowSeconds);
    try {
      const pipeline = redis.pipeline();
      for (const [subject, requests] of added) {
        pipeline.incrby(`holdfast:requests:${window}:${subject}`, requests);
        pipeline.expire(`holdfast:requests:${window}:${subject}`, 2 * WINDOW_SECONDS);
      }
      const replies = (await pipeline.exec()) ?? [];
      const failure = replies.find(([error]) => error !== null);
      if (failure) throw failure[0];
      return new Map(
        [...added.keys()].map((subject, index) => [
          subject,
          { requests: Number(replies[2 * index]![1]), windowEndsInSeconds },
        ]),
      );
    } catch (error) {
      onFallback(error);
      return fallback(added);
    }
  };
}

// Rows that somebody holds are left for the next time: waiting for them, we could deadlock with the requests that count.
const FORGET = `
  DELETE FROM app.rate_limit_windows WHERE subject IN (
    SELECT subject FROM app.rate_limit_windows WHERE window_start < now() - interval '5 minutes' FOR UPDATE SKIP LOCKED)`;

/** Deletes windows that ended minutes ago; they count for nothing any more. */
export async function forgetOldWindows({ pool }: Pick<Database, "pool">): Promise<void> {
  await pool.query(FORGET);
}

/**
 * The subject that an address counts to: IPv6 addresses by their first 64 bits, for whoever has one address of such a network
 * has all of them (RFC 6177, RFC 8981). Other subjects stay as they are.
 */
export function sharedSubject(subject: string): string {
  const address = /^address:([^%]*)/.exec(subject)?.[1] ?? "";
  if (!isIPv6(address)) return subject;
  const [before = "", after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = before === "" ? [] : before.split(":");
  const groupsAfter = after ? after.split(":") : [];
  const zeros = Array<string>(8 - groups.length - groupsAfter.length).fill("0");
  return `address:${[...groups, ...zeros, ...groupsAfter].slice(0, 4).join(":")}::/64`;
}

/** How often each subject stands in a group of requests. */
export function tally(subjects: readonly string[]): Map<string, number> {
  const added = new Map<string, number>();
  for (const subject of subjects) added.set(subject, (added.get(subject) ?? 0) + 1);
  return added;
}

/** Gives each request of a group that was counted in one step its own place in the window, in the group's order. */
export function placesOf(subjects: readonly string[], counts: Map<string, RequestCount>): RequestCount[] {
  const behind = tally(subjects);
  return subjects.map((subject) => {
    behind.set(subject, behind.get(subject)! - 1);
    const { requests, windowEndsInSeconds } = counts.get(subject)!;
    return { requests: requests - behind.get(subject)!, windowEndsInSeconds };
  });
}

/**
 * Counts a request against its subject. Requests that arrive together are counted in one step for all subjects, where a
 * limiter library takes one step per request. Subjects `address:…` count as `sharedSubject` has them.
 */
export function createRateLimit(counter: Counter): (subject: string) => Promise<RequestCount> {
  return groupCalls(
    async (given: string[]) => {
      const subjects = given.map(sharedSubject);
      return placesOf(subjects, await counter(tally(subjects)));
    },
    { weightMax: 1_000, concurrencyMax: 1 },
  );
}
