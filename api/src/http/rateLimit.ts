import type { Redis } from "ioredis";
import type { Database } from "../db/client.ts";
import { groupCalls } from "../db/groupCalls.ts";
import { RateLimitedError } from "../errors.ts";

/** Length of the fixed window, unless a limit names another (HA-13). */
const WINDOW_SECONDS = 60;
export const HOUR_SECONDS = 3_600;
/** No window is longer: what began before it counts for nothing any more. */
const WINDOW_SECONDS_MAX = HOUR_SECONDS;

/** How many requests a subject has made in the current window, this one included, and when the window ends. */
export type RequestCount = { requests: number; windowEndsInSeconds: number };

/** Adds `requests` to each subject's window, in one step for all of them. A subject's windows are all of one length. */
export type Counter = (
  added: Map<string, { requests: number; windowSeconds: number }>,
) => Promise<Map<string, RequestCount>>;

// A statement that waited for a row over the end of a window counts to the new one, and never sets it back.
const COUNT = `
  WITH added AS (
    SELECT * FROM unnest($1::text[], $2::int[], $3::int[]) AS added (subject, requests, window_seconds)
  ), counted AS (
    INSERT INTO app.rate_limit_windows AS w (subject, window_start, requests)
    SELECT subject, date_bin(make_interval(secs => window_seconds), now(), 'epoch'), requests FROM added
    ON CONFLICT (subject) DO UPDATE SET
      requests = CASE WHEN w.window_start < excluded.window_start THEN excluded.requests ELSE w.requests + excluded.requests END,
      window_start = greatest(w.window_start, excluded.window_start)
    RETURNING subject, requests, window_start
  )
  SELECT subject, counted.requests,
         ceil(extract(epoch FROM window_start + make_interval(secs => window_seconds) - now()))::int AS ends_in
  FROM counted JOIN added USING (subject)`;

/** Counts in PostgreSQL. Subjects are sorted, so that two processes never lock the same rows in opposite order. */
export function countInPostgres({ pool }: Database): Counter {
  return async (added) => {
    const subjects = [...added.keys()].sort();
    const values = [
      subjects,
      subjects.map((subject) => added.get(subject)!.requests),
      subjects.map((subject) => added.get(subject)!.windowSeconds),
    ];
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

/** A Redis that failed is left alone for this long, so that a silent one does not hold every request up; milliseconds. */
const LEAVE_REDIS_ALONE_MS = 5_000;

/** Counts in Redis; while it does not answer, `fallback` counts, from nothing, and `onFallback` hears of it. */
export function countInRedis(
  redis: Redis,
  clock: () => Date,
  fallback: Counter,
  /** Null while Redis is left alone after an earlier error. */
  onFallback: (error: unknown) => void,
): Counter {
  let leftAloneUntilMs = 0;
  return async (added) => {
    if (clock().getTime() < leftAloneUntilMs) {
      onFallback(null);
      return fallback(added);
    }
    const nowSeconds = clock().getTime() / 1_000;
    const endOf = (windowSeconds: number) => (Math.floor(nowSeconds / windowSeconds) + 1) * windowSeconds;
    try {
      const pipeline = redis.pipeline();
      for (const [subject, { requests, windowSeconds }] of added) {
        const key = `holdfast:requests:${endOf(windowSeconds)}:${subject}`;
        pipeline.incrby(key, requests);
        pipeline.expire(key, 2 * windowSeconds);
      }
      const replies = (await pipeline.exec()) ?? [];
      const failure = replies.find(([error]) => error !== null);
      if (failure) throw failure[0];
      return new Map(
        [...added].map(([subject, { windowSeconds }], index) => [
          subject,
          {
            requests: Number(replies[2 * index]![1]),
            windowEndsInSeconds: Math.ceil(endOf(windowSeconds) - nowSeconds),
          },
        ]),
      );
    } catch (error) {
      leftAloneUntilMs = clock().getTime() + LEAVE_REDIS_ALONE_MS;
      onFallback(error);
      return fallback(added);
    }
  };
}

// Rows that somebody holds are left for the next time: waiting for them, we could deadlock with the requests that count.
const FORGET = `
  DELETE FROM app.rate_limit_windows WHERE subject IN (
    SELECT subject FROM app.rate_limit_windows WHERE window_start < now() - make_interval(secs => $1) FOR UPDATE SKIP LOCKED)`;

/** Deletes windows that ended long ago; they count for nothing any more. */
export async function forgetOldWindows({ pool }: Pick<Database, "pool">): Promise<void> {
  await pool.query(FORGET, [2 * WINDOW_SECONDS_MAX]);
}

/** A subject's window as one process knows it. */
type Window = {
  readonly seconds: number;
  /** At the latest: the shared counter rounds seconds up. */
  endsAtMs: number;
  /** Requests of all processes when the shared counter last answered, and what it has been told of since. */
  told: number;
  /** Requests that were let through since, and that the shared counter does not know yet. */
  untold: number;
  /** Requests that wait for the shared counter's answer. */
  waiting: number;
};

/**
 * Part of a limit that a process may let through before it tells the shared counter: nothing of limits below 200. As much again may
 * be on its way there, so that the shared counter misses 1 % at most.
 */
const UNTOLD_PART_MAX = 0.005;
const TELL_AFTER_MS = 20;
const LAST_SECOND_MS = 1_000;
const REMEMBERED_WINDOWS_MAX = 100_000;

/**
 * Counts a request against the limit of its subject; over the limit, `requests` is larger than it.
 * @param windowSeconds 60 by default, 3,600 at most; the same for all requests of a subject.
 */
export type CountRequest = (subject: string, limit: number, windowSeconds?: number) => Promise<RequestCount>;

/**
 * Counts requests against the limits of their subjects. The counter that all processes share is asked before the answer, in one step for all requests that wait together, where a limiter library takes a step
 * for each. Only where a large limit is not reached yet, up to 0.5 % of it is let through at once and told within 20 ms. So
 * one process never lets a request over a limit through, nor do several over a limit below 200; over larger ones each further process
 * may let 1 % through.
 */
export function createRateLimit(counter: Counter, clock: () => Date): CountRequest {
  const windows = new Map<string, Window>();
  /** Subjects with requests that the shared counter does not know yet; not empty while it is about to be told. */
  let toTell = new Map<string, Window>();

  function windowOf(subject: string, seconds: number): Window {
    let window = windows.get(subject);
    if (window === undefined) {
      if (windows.size >= REMEMBERED_WINDOWS_MAX) windows.clear();
      window = { seconds, endsAtMs: 0, told: 0, untold: 0, waiting: 0 };
      windows.set(subject, window);
    }
    return window;
  }

  function takeUntold(window: Window): number {
    const { untold } = window;
    window.untold = 0;
    // Counted here at once: while the shared counter does not answer, or never does, they must not make room for others.
    window.told += untold;
    return clock().getTime() < window.endsAtMs ? untold : 0;
  }

  /** Tells the shared counter of the requests that wait (0 or 1 each), and with them of those that it does not know yet. */
  async function tellGroup(
    group: { subject: string; window: Window; requests: number }[],
  ): Promise<RequestCount[]> {
    const behind = new Map<string, number>();
    const added: Parameters<Counter>[0] = new Map();
    for (const { subject, window, requests } of group) {
      behind.set(subject, (behind.get(subject) ?? 0) + requests);
      const before = added.get(subject)?.requests ?? 0;
      added.set(subject, {
        requests: before + requests + takeUntold(window),
        windowSeconds: window.seconds,
      });
    }
    const counts = await counter(added);
    const nowMs = clock().getTime();
    return group.map(({ subject, window, requests }) => {
      const count = counts.get(subject)!;
      window.told = count.requests;
      window.endsAtMs = nowMs + count.windowEndsInSeconds * 1_000;
      behind.set(subject, behind.get(subject)! - requests);
      return { ...count, requests: count.requests - behind.get(subject)! };
    });
  }

  const tell = groupCalls(tellGroup, { weightMax: 1_000, concurrencyMax: 1 });

  async function ask(subject: string, window: Window): Promise<RequestCount> {
    window.waiting++;
    try {
      return await tell({ subject, window, requests: 1 });
    } finally {
      window.waiting--;
    }
  }

  function tellLater(subject: string, window: Window): void {
    if (toTell.size === 0) setTimeout(tellAll, TELL_AFTER_MS).unref();
    toTell.set(subject, window);
  }

  function tellAll(): void {
    const group = toTell;
    toTell = new Map();
    // The request is answered already; the next one that must ask hears of a counter that does not answer.
    for (const [subject, window] of group)
      if (window.untold > 0) tell({ subject, window, requests: 0 }).catch(() => {});
  }

  return async (subject, limit, windowSeconds = WINDOW_SECONDS) => {
    const window = windowOf(subject, windowSeconds);
    // The last second is left to the shared counter, whose window may have ended already.
    const leftMs = window.endsAtMs - LAST_SECOND_MS - clock().getTime();
    const untold = window.untold + 1;
    if (window.waiting > 0 || leftMs <= 0 || untold > limit * UNTOLD_PART_MAX || window.told + untold > limit)
      return ask(subject, window);
    window.untold = untold;
    tellLater(subject, window);
    return {
      requests: window.told + untold,
      windowEndsInSeconds: Math.ceil((leftMs + LAST_SECOND_MS) / 1_000),
    };
  };
}

/** @throws {RateLimitedError} 429 when this request goes over the limit of its subject. */
export async function limitRequests(
  countRequest: CountRequest,
  subject: string,
  limit: number,
  windowSeconds?: number,
): Promise<void> {
  const { requests, windowEndsInSeconds } = await countRequest(subject, limit, windowSeconds);
  if (requests > limit) throw new RateLimitedError(windowEndsInSeconds);
}
