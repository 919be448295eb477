import type { Logger } from "pino";
import type { Database } from "../db/client.ts";
import type { MediaStore } from "./mediaStore.ts";

export type SweepMediaDeps = {
  db: Database;
  store: MediaStore;
  /** How long bytes are kept. */
  keptDays: number;
  clock: () => Date;
  logger: Logger;
  /** Aborted to stop between two media. */
  signal: AbortSignal;
};

/** An upload that has not come to its end by then never will; milliseconds. */
const STORING_MS = 3_600_000;
const DAY_MS = 86_400_000;
const ROWS_AT_ONCE = 500;

// What is over is marked first: from then on nobody counts on the bytes, and a sweep that stops here is repeated.
const MARK = `
  UPDATE app.verification_media m SET state = CASE m.state WHEN 'stored' THEN 'deleting' ELSE 'abandoned' END
  FROM (SELECT tenant_id, verification_id, id FROM app.verification_media
        WHERE (state = 'stored' AND created_at <= $1) OR (state = 'storing' AND created_at <= $2)
        ORDER BY created_at LIMIT ${ROWS_AT_ONCE} FOR UPDATE SKIP LOCKED) AS over
  WHERE (m.tenant_id, m.verification_id, m.id) = (over.tenant_id, over.verification_id, over.id)`;
// Past what was refused, which must not keep the others' bytes. A store may still take what an upload gave up, so that it is too early for that.
const FIND = `
  SELECT tenant_id AS "tenantId", verification_id AS "verificationId", id, state, created_at::text AS "createdAt"
  FROM app.verification_media
  WHERE (state = 'deleting' OR state = 'abandoned' AND created_at <= $3) AND (created_at, id) > ($1::timestamptz, $2::uuid)
  ORDER BY created_at, id LIMIT ${ROWS_AT_ONCE}`;
const DELETED = `
  UPDATE app.verification_media SET state = 'deleted', deleted_at = $4
  WHERE tenant_id = $1 AND verification_id = $2 AND id = $3 AND state = 'deleting'`;

// What was never accepted leaves no row either.
const FORGET = `
  DELETE FROM app.verification_media
  WHERE tenant_id = $1 AND verification_id = $2 AND id = $3 AND state = 'abandoned'`;

type Place = { createdAt: string; id: string };
type Row = Place & { tenantId: string; verificationId: string; state: "deleting" | "abandoned" };
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/** Deletes the bytes of media whose time is over or whose person was erased, and of uploads that came to no end (PA-8). Safe to repeat. */
export async function sweepMedia(deps: SweepMediaDeps): Promise<void> {
  const { db, clock, keptDays } = deps;
  const now = clock();
  const before = (ms: number) => new Date(now.getTime() - ms);
  const over = [before(keptDays * DAY_MS), before(STORING_MS)];
  while ((await db.pool.query(MARK, over)).rowCount === ROWS_AT_ONCE);
  const failures: unknown[] = [];
  let after: Place = { createdAt: "-infinity", id: FIRST_ID };
  for (let rows: Row[] = []; ; ) {
    ({ rows } = await db.pool.query<Row>(FIND, [after.createdAt, after.id, before(STORING_MS)]));
    failures.push(...(await deleteAll(deps, rows, now)));
    if (rows.length < ROWS_AT_ONCE || deps.signal.aborted) break;
    after = rows.at(-1)!;
  }
  if (failures.length > 0) throw failures[0];
}

/** @returns what the store refused; all the others are asked for all the same. */
async function deleteAll(
  { db, store, logger, signal }: SweepMediaDeps,
  rows: Row[],
  now: Date,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  let deleted = 0;
  for (const { tenantId, verificationId, id, state } of rows) {
    if (signal.aborted) break;
    try {
      await store.remove({ tenantId, id });
    } catch (error) {
      failures.push(error);
      continue;
    }
    const key = [tenantId, verificationId, id];
    if (state === "abandoned") await db.pool.query(FORGET, key);
    else await db.pool.query(DELETED, [...key, now]);
    deleted++;
  }
  if (deleted > 0) logger.info({ deleted }, "media deleted");
  return failures;
}
