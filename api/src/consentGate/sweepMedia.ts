import type { Logger } from "pino";
import type { Database } from "../db/client.ts";
import { forgetAbandonedUploads } from "../http/upload.ts";
import type { MediaStore } from "./mediaStore.ts";

export type SweepMediaDeps = {
  db: Database;
  store: MediaStore;
  uploadFolder: string;
  /** How long bytes are kept. */
  keptDays: number;
  clock: () => Date;
  logger: Logger;
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
const FIND = `
  SELECT tenant_id AS "tenantId", verification_id AS "verificationId", id, state FROM app.verification_media
  WHERE state IN ('deleting', 'abandoned') ORDER BY created_at LIMIT ${ROWS_AT_ONCE}`;
const DELETED = `
  UPDATE app.verification_media SET state = 'deleted', deleted_at = $4
  WHERE tenant_id = $1 AND verification_id = $2 AND id = $3 AND state = 'deleting'`;

// What was never accepted leaves no row either.
const FORGET = `
  DELETE FROM app.verification_media
  WHERE tenant_id = $1 AND verification_id = $2 AND id = $3 AND state = 'abandoned'`;

type Row = { tenantId: string; verificationId: string; id: string; state: "deleting" | "abandoned" };

/** Deletes the bytes of media whose time is over or whose person was erased, and what uploads have left behind (PA-8). Safe to repeat. */
export async function sweepMedia(deps: SweepMediaDeps): Promise<void> {
  const { db, clock, keptDays } = deps;
  const now = clock();
  await forgetAbandonedUploads(deps.uploadFolder, now);
  const before = (ms: number) => new Date(now.getTime() - ms);
  const over = [before(keptDays * DAY_MS), before(STORING_MS)];
  while ((await db.pool.query(MARK, over)).rowCount === ROWS_AT_ONCE);
  while (await deleteSome(deps, now));
}

/**
 * @returns whether there may be more.
 * @throws what the store refused first, once all the others were asked for.
 */
async function deleteSome({ db, store, logger }: SweepMediaDeps, now: Date): Promise<boolean> {
  const { rows } = await db.pool.query<Row>(FIND);
  const failures: unknown[] = [];
  for (const { tenantId, verificationId, id, state } of rows) {
    try {
      await store.remove({ tenantId, id });
    } catch (error) {
      failures.push(error);
      continue;
    }
    const key = [tenantId, verificationId, id];
    if (state === "abandoned") await db.pool.query(FORGET, key);
    else await db.pool.query(DELETED, [...key, now]);
  }
  const deleted = rows.length - failures.length;
  if (deleted > 0) logger.info({ deleted }, "media deleted");
  if (failures.length > 0) throw failures[0];
  return rows.length === ROWS_AT_ONCE;
}
